//! The accept loop: HTTP/1.1 with a time limit for heads, a cap on connections, and a stop that lets
//! running requests end. hyper's own builder, since `axum::serve` has none of these.

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::extract::ConnectInfo;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use recap_mode::Stop;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio_util::task::TaskTracker;
use tower::ServiceExt as _;

/// How long running requests may take to end when the daemon stops.
const STOP_TIME: Duration = Duration::from_secs(8);

/// Pause after an accept that failed: without open files left it would fail again at once.
const FAILURE_PAUSE: Duration = Duration::from_millis(50);

/// The bounds of one listener.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    /// Connections at once; further ones wait in the kernel.
    pub connections_max: usize,
    /// Connections at once from one address; `None` where a proxy stands in front, or for the
    /// daemon's own.
    pub per_address_max: Option<usize>,
    /// Time for a request's head, and for an idle connection.
    pub header_time: Duration,
}

/// Serves until `stop`, then waits for running requests for some seconds.
pub async fn serve(listener: TcpListener, router: Router, bounds: Bounds, stop: Stop) {
    let graceful = GracefulShutdown::new();
    let tasks = TaskTracker::new();
    let places = Arc::new(Semaphore::new(bounds.connections_max));
    let addresses = Arc::new(Addresses::default());
    loop {
        let place = tokio::select! {
            () = stop.cancelled() => break,
            place = places.clone().acquire_owned() => place,
        };
        let Ok(place) = place else { break };
        let (socket, peer) = tokio::select! {
            () = stop.cancelled() => break,
            accepted = listener.accept() => match accepted {
                Ok(accepted) => accepted,
                Err(error) => {
                    tracing::warn!(%error, "a connection could not be accepted");
                    tokio::time::sleep(FAILURE_PAUSE).await;
                    continue;
                }
            },
        };
        let Some(turn) = addresses.enter(peer.ip(), bounds.per_address_max) else {
            // Too many from there: closing at once is the cheapest answer.
            continue;
        };
        let connection =
            connection(socket, peer, router.clone(), bounds.header_time, graceful.watcher());
        tasks.spawn(async move {
            connection.await;
            drop((place, turn));
        });
    }
    drop(listener);
    tokio::select! {
        () = graceful.shutdown() => {}
        () = tokio::time::sleep(STOP_TIME) => {
            tracing::warn!("some requests were still running when the time to stop was over");
        }
    }
    tasks.close();
}

async fn connection(
    socket: TcpStream,
    peer: SocketAddr,
    router: Router,
    header_time: Duration,
    watcher: hyper_util::server::graceful::Watcher,
) {
    // Small answers and server-sent events must not wait for more to send.
    let _ = socket.set_nodelay(true);
    let service = router.map_request(move |request: axum::http::Request<hyper::body::Incoming>| {
        let mut request = request.map(axum::body::Body::new);
        request.extensions_mut().insert(ConnectInfo(peer));
        request
    });
    let served = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(header_time)
        .serve_connection(TokioIo::new(socket), TowerToHyperService::new(service));
    if let Err(error) = watcher.watch(served).await {
        tracing::debug!(%error, "a connection ended early");
    }
}

/// Open connections by address.
#[derive(Default)]
struct Addresses(Mutex<HashMap<IpAddr, usize>>);

/// One open connection; dropping it makes room.
struct Turn(Option<(Arc<Addresses>, IpAddr)>);

impl Addresses {
    fn enter(self: &Arc<Self>, address: IpAddr, most: Option<usize>) -> Option<Turn> {
        let Some(most) = most else { return Some(Turn(None)) };
        let address = address.to_canonical();
        let mut open = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let count = open.entry(address).or_default();
        if *count >= most {
            return None;
        }
        *count += 1;
        Some(Turn(Some((self.clone(), address))))
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        let Some((addresses, address)) = self.0.take() else { return };
        let mut open = addresses.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = open.get_mut(&address) {
            *count -= 1;
            if *count == 0 {
                open.remove(&address);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_has_so_many_places_and_gets_them_back() {
        let addresses = Arc::new(Addresses::default());
        let (a, b): (IpAddr, IpAddr) = ([192, 0, 2, 1].into(), [192, 0, 2, 2].into());
        let first = addresses.enter(a, Some(2));
        let second = addresses.enter("::ffff:192.0.2.1".parse().unwrap(), Some(2));
        assert!(first.is_some() && second.is_some());
        assert!(addresses.enter(a, Some(2)).is_none());
        assert!(addresses.enter(b, Some(2)).is_some());
        assert!(addresses.enter(a, None).is_some(), "the daemon's own calls are not counted");
        drop(first);
        assert!(addresses.enter(a, Some(2)).is_some());
        drop(second);
        assert!(addresses.0.lock().unwrap().is_empty());
    }
}
