//! A proxy that cuts, stalls and swallows: between a client and a server on this machine.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

/// What happens to a connection.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Fate {
    /// Nothing.
    Pass,
    /// Ends after so many bytes of the client.
    CutRequest(usize),
    /// Ends after so many bytes of the server.
    CutAnswer(usize),
    /// After so many bytes of the client, nothing that the server says arrives any more; then it ends.
    SwallowAnswer(usize),
    /// After so many bytes of the client, nothing arrives in any direction, and nothing ends.
    Stall(usize),
}

pub(crate) struct Proxy {
    pub(crate) port: u16,
    pub(crate) connections: Arc<AtomicU32>,
}

impl Proxy {
    /// Before `server`; `fate` says what happens to the connection of each number.
    pub(crate) fn new(server: u16, fate: impl Fn(u32) -> Fate + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let connections = Arc::new(AtomicU32::new(0));
        let count = Arc::clone(&connections);
        std::thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let fate = fate(count.fetch_add(1, Ordering::Relaxed));
                let Ok(server) = TcpStream::connect(("127.0.0.1", server)) else { continue };
                std::thread::spawn(move || serve(client, server, fate));
            }
        });
        Self { port, connections }
    }
}

fn serve(client: TcpStream, server: TcpStream, fate: Fate) {
    let (mut from_server, mut to_client) = (server.try_clone().unwrap(), client.try_clone().unwrap());
    let silent = Arc::new(AtomicU32::new(0));
    let quiet = Arc::clone(&silent);
    std::thread::spawn(move || {
        let mut buffer = [0; 16384];
        let mut left = if let Fate::CutAnswer(limit) = fate { limit } else { usize::MAX };
        while let Ok(read @ 1..) = from_server.read(&mut buffer) {
            left = left.saturating_sub(read);
            if left == 0 {
                break;
            }
            if quiet.load(Ordering::Relaxed) == 0 && to_client.write_all(buffer.get(..read).unwrap()).is_err()
            {
                break;
            }
        }
        if quiet.load(Ordering::Relaxed) < 2 {
            let _ = to_client.shutdown(Shutdown::Both);
        }
    });
    let (mut from_client, mut to_server) = (client, server);
    let mut buffer = [0; 16384];
    let mut passed = 0;
    while let Ok(read @ 1..) = from_client.read(&mut buffer) {
        let limit = match fate {
            Fate::Pass | Fate::CutAnswer(_) => usize::MAX,
            Fate::CutRequest(limit) | Fate::SwallowAnswer(limit) | Fate::Stall(limit) => limit,
        };
        passed += read;
        if passed <= limit {
            if to_server.write_all(buffer.get(..read).unwrap()).is_err() {
                break;
            }
            continue;
        }
        match fate {
            Fate::Pass | Fate::CutRequest(_) | Fate::CutAnswer(_) => break,
            Fate::Stall(_) => {
                silent.store(2, Ordering::Relaxed);
                // Until the client has had enough.
                while let Ok(1..) = from_client.read(&mut buffer) {}
                break;
            }
            Fate::SwallowAnswer(_) => {
                silent.store(1, Ordering::Relaxed);
                let _ = to_server.write_all(buffer.get(..read).unwrap());
                // The rest of the request, and time to commit.
                let _ = from_client.set_read_timeout(Some(Duration::from_millis(100)));
                while let Ok(read @ 1..) = from_client.read(&mut buffer) {
                    let _ = to_server.write_all(buffer.get(..read).unwrap());
                }
                break;
            }
        }
    }
    let _ = to_server.shutdown(Shutdown::Both);
    let _ = from_client.shutdown(Shutdown::Both);
}
