//! Recap: long episodes as checked recaps. This file chooses the mode; the rest is the library's.

use std::process::ExitCode;
use std::sync::Arc;

use recap::daemon::ModeRequest;
use recap::secrets::Secrets;
use recap::single::Single;
use recap_mode::Mode;

fn main() -> ExitCode {
    recap::cli::run(choose_mode)
}

/// The one place that knows which modes there are.
fn choose_mode(request: &ModeRequest<'_>) -> Result<Arc<dyn Mode>, String> {
    match request.config.mode.as_str() {
        #[cfg(feature = "multi")]
        "multi" => recap_multi::open(request.data).map_err(|error| error.to_string()),
        #[cfg(not(feature = "multi"))]
        "multi" => Err(
            "RECAP_MODE=multi was asked for, and this Recap was built without it. Build it with: \
                        cargo build --release --features multi"
                .to_owned(),
        ),
        _ => {
            let password = request.environment.operator_password();
            let secrets = Secrets::open(request.data, password, request.entropy.clone())
                .map_err(|error| error.to_string())?;
            let is_https =
                request.config.public_url.as_ref().is_some_and(|url| url.scheme() == "https");
            let config = request.config;
            let exposed = !config.listen.ip().is_loopback() && !config.behind_proxy;
            Ok(Single::new(Arc::new(secrets), request.clock.clone(), is_https, exposed))
        }
    }
}
