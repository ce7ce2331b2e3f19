//! Recap: long episodes as checked recaps. This file chooses the mode and hands over what was built in;
//! the rest is the library's.

use std::process::ExitCode;
use std::sync::Arc;

use recap::daemon::ModeRequest;
use recap::models::whisper::Worker;
use recap::secrets::Secrets;
use recap::single::Single;
use recap_mode::Mode;

/// A round over a thousand feeds asks for a million small pieces of memory, which the allocator of the C library
/// takes more time for, and it keeps what was freed. How this one is set stands in `.cargo/config.toml`.
#[cfg(all(target_os = "linux", target_arch = "x86_64", target_env = "gnu"))]
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() -> ExitCode {
    let workers: &[Worker] = &[
        #[cfg(feature = "whisper")]
        recap_whisper::work,
    ];
    recap::cli::run(choose_mode, workers.first().copied())
}

/// The one place that knows which modes there are.
fn choose_mode(request: &ModeRequest<'_>) -> Result<Arc<dyn Mode>, String> {
    match request.config.mode.as_str() {
        #[cfg(feature = "multi")]
        "multi" => {
            let config = request.config.clone();
            let given = recap_multi::Given {
                public_url: config.own_url(),
                admin_email: config.admin_email,
                sign_ups_open: config.sign_ups_open,
                tenant_default_credits: config.tenant_default_credits,
                tenant_credit_replenish_period: config.tenant_credit_replenish_period,
                trial_credits_per_visitor: config.trial_credits_per_visitor,
                trials_per_ip_lifetime: config.trials_per_ip_lifetime,
                tier_allowances: config.tier_allowances,
                mail_from: config.mail_from,
                mail_folder: config.mail_folder,
                smtp_host: config.smtp_host,
                smtp_port: config.smtp_port,
                smtp_security: config.smtp_security,
                smtp_user: config.smtp_user,
                smtp_password: request.environment.smtp_password(),
                smtp_ca_file: config.smtp_ca_file,
                relay_url: config.relay_url,
                relay_operator_key: request.environment.relay_operator_key(),
            };
            let (clock, entropy) = (request.clock.clone(), request.entropy.clone());
            recap_multi::open(request.data, given, clock, entropy)
                .map_err(|error| error.to_string())
        }
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
