//! `recap serve`.

use std::sync::Arc;

use recap_mode::{SystemClock, SystemEntropy};
use serde_json::Value;

use crate::daemon::{Daemon, Setup};

use super::{Failure, Setting, daemon_runtime, flags, say, start_logging};

#[derive(clap::Args)]
pub(super) struct Serve {
    /// Address and port of the page and the API
    #[arg(long, value_name = "ADDRESS:PORT")]
    listen: Option<String>,
    /// Address under which people reach the page
    #[arg(long, value_name = "URL")]
    public_url: Option<String>,
    /// A proxy in front decides who gets in
    #[arg(long)]
    behind_proxy: bool,
}

impl Serve {
    pub(super) fn run(self, setting: Setting) -> Result<u8, Failure> {
        let data = setting.data()?;
        say(&format!("Data folder: {}", data.display()))?;
        let flags = flags(&[
            ("listen", self.listen.map(Value::from)),
            ("public_url", self.public_url.map(Value::from)),
            ("behind_proxy", self.behind_proxy.then_some(Value::Bool(true))),
        ]);
        let config = crate::config::load(&data, &setting.environment, &flags)?;
        start_logging(&config.log, &config.log_format, &setting.environment);
        let whisper_program = setting.whisper_program()?;
        let runtime = daemon_runtime()?;
        let code = runtime.block_on(async {
            let daemon = Daemon::start(Setup {
                data,
                environment: setting.environment,
                flags,
                choose_mode: setting.choose_mode,
                whisper_program,
                clock: Arc::new(SystemClock),
                entropy: Arc::new(SystemEntropy),
            })
            .await?;
            say(&format!("Recap is at http://{}/", daemon.address()))?;
            until_told_to_stop().await;
            daemon.stop().await;
            Ok(0)
        });
        runtime.shutdown_timeout(std::time::Duration::from_secs(2));
        code
    }
}

/// Waits for Ctrl-C, or for the signal with which service managers stop a program.
pub(super) async fn until_told_to_stop() {
    use tokio::signal::unix::{SignalKind, signal};
    let mut terminate = signal(SignalKind::terminate()).ok();
    let terminated = async {
        match &mut terminate {
            Some(signal) => {
                signal.recv().await;
            }
            None => std::future::pending().await,
        }
    };
    tokio::select! {
        _ = tokio::signal::ctrl_c() => {}
        () = terminated => {}
    }
}
