//! A mode with two tenants in memory: what proves that nobody else asks which mode it is.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use axum::http::request::Parts;
use recap::daemon::ModeRequest;
use recap_mode::{
    Caller, Entitlement, Fault, FaultKind, Host, JobId, Mode, Pass, Receipt, Scope, Stop, Task,
};
use utoipa_axum::router::OpenApiRouter;

/// Two tenants, `ada` and `ben`, who sign in with a cookie of their name, and have credits.
pub struct Twins {
    credits: Mutex<HashMap<Scope, u32>>,
    paid: Mutex<HashMap<JobId, Scope>>,
    passes: Arc<Mutex<usize>>,
    reach_private: bool,
}

pub const CREDITS: u32 = 2;

impl Twins {
    pub fn make() -> Arc<Twins> {
        Twins::with(CREDITS, false)
    }

    fn with(credits: u32, reach_private: bool) -> Arc<Twins> {
        let credits = ["ada", "ben"].map(|name| (Scope::parse(name).unwrap(), credits));
        Arc::new(Twins {
            reach_private,
            credits: Mutex::new(credits.into()),
            paid: Mutex::default(),
            passes: Arc::default(),
        })
    }

    pub fn credits(&self, scope: &str) -> u32 {
        self.credits.lock().unwrap()[&Scope::parse(scope).unwrap()]
    }

    pub fn open_passes(&self) -> usize {
        *self.passes.lock().unwrap()
    }
}

pub fn choose(_: &ModeRequest<'_>) -> Result<Arc<dyn Mode>, String> {
    Ok(Twins::make())
}

/// Twins who may reach a publisher on loopback, with credits enough, or none.
pub fn choose_near(_: &ModeRequest<'_>) -> Result<Arc<dyn Mode>, String> {
    Ok(Twins::with(100, true))
}

/// The same with one credit each.
pub fn choose_poor(_: &ModeRequest<'_>) -> Result<Arc<dyn Mode>, String> {
    Ok(Twins::with(1, true))
}

#[async_trait]
impl Mode for Twins {
    async fn identify(&self, request: &Parts) -> Result<Caller, Fault> {
        let cookie =
            request.headers.get("cookie").and_then(|value| value.to_str().ok()).unwrap_or_default();
        match cookie.split_once('=') {
            Some(("twin", name @ ("ada" | "ben"))) => Ok(Caller {
                scope: Scope::parse(name).unwrap(),
                operator: false,
                signed_in_as: Some(name.to_owned()),
            }),
            _ => Err(Fault::new(FaultKind::Unauthenticated, "Sign in first.")),
        }
    }

    async fn entitled(&self, _: &Scope, what: Entitlement) -> Result<(), Fault> {
        match what {
            Entitlement::PrivateAddresses if !self.reach_private => {
                Err(Fault::new(FaultKind::NotEntitled, "Not here."))
            }
            _ => Ok(()),
        }
    }

    async fn debit(&self, scope: &Scope, job: &JobId) -> Result<Receipt, Fault> {
        let mut paid = self.paid.lock().unwrap();
        if !paid.contains_key(job) {
            let mut credits = self.credits.lock().unwrap();
            let left = credits
                .get_mut(scope)
                .ok_or_else(|| Fault::new(FaultKind::NoCredits, "No credits are left."))?;
            if *left == 0 {
                return Err(Fault::new(FaultKind::NoCredits, "No credits are left."));
            }
            *left -= 1;
            paid.insert(job.clone(), scope.clone());
        }
        Ok(Receipt { scope: scope.clone(), job: job.clone(), source: Some("purchased".to_owned()) })
    }

    async fn refund(&self, receipt: &Receipt) -> Result<(), Fault> {
        if let Some(scope) = self.paid.lock().unwrap().remove(&receipt.job) {
            *self.credits.lock().unwrap().get_mut(&scope).unwrap() += 1;
        }
        Ok(())
    }

    async fn pass_for(&self, scope: &Scope) -> Result<Pass, Fault> {
        *self.passes.lock().unwrap() += 1;
        let passes = self.passes.clone();
        Ok(Pass::with_cookie(format!("twin={scope}"), move || *passes.lock().unwrap() -= 1))
    }

    fn guarded(&self) -> bool {
        true
    }

    fn routes(self: Arc<Self>) -> OpenApiRouter {
        OpenApiRouter::new()
    }

    fn tasks(self: Arc<Self>, _: Arc<dyn Host>, _: Stop) -> Vec<Task> {
        Vec::new()
    }
}
