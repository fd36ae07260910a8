//! A TLS channel as `tokio-postgres` wants one.
//!
//! Invariant: bytes go through unchanged; nothing is decided here.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_postgres::tls::{ChannelBinding, MakeTlsConnect, TlsConnect, TlsStream};
use tokio_rustls::TlsConnector;

use super::binding::end_point;

/// Makes channels.
#[derive(Clone)]
pub(crate) struct Tls {
    connector: TlsConnector,
    binding: bool,
}

impl Tls {
    pub(super) fn new(config: ClientConfig, binding: bool) -> Self {
        Self { connector: TlsConnector::from(Arc::new(config)), binding }
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin + Send + 'static> MakeTlsConnect<S> for Tls {
    type Stream = Channel<S>;
    type TlsConnect = Handshake;
    type Error = io::Error;

    fn make_tls_connect(&mut self, domain: &str) -> io::Result<Handshake> {
        let name = ServerName::try_from(domain.to_owned()).map_err(|_| {
            io::Error::new(
                io::ErrorKind::InvalidInput,
                rustls::Error::General("no certificate can have the name of this host".to_owned()),
            )
        })?;
        Ok(Handshake { tls: self.clone(), name })
    }
}

/// A handshake with a host.
pub(crate) struct Handshake {
    tls: Tls,
    name: ServerName<'static>,
}

impl<S: AsyncRead + AsyncWrite + Unpin + Send + 'static> TlsConnect<S> for Handshake {
    type Stream = Channel<S>;
    type Error = io::Error;
    type Future = Pin<Box<dyn Future<Output = io::Result<Channel<S>>> + Send>>;

    fn connect(self, stream: S) -> Self::Future {
        Box::pin(async move {
            let stream = self.tls.connector.connect(self.name, stream).await?;
            Ok(Channel { stream: Box::new(stream), binding: self.tls.binding })
        })
    }
}

/// An encrypted channel.
pub(crate) struct Channel<S> {
    stream: Box<tokio_rustls::client::TlsStream<S>>,
    binding: bool,
}

impl<S: AsyncRead + AsyncWrite + Unpin> TlsStream for Channel<S> {
    fn channel_binding(&self) -> ChannelBinding {
        let (_, session) = self.stream.get_ref();
        let certificate = session.peer_certificates().and_then(|all| all.first()).filter(|_| self.binding);
        certificate
            .and_then(|certificate| end_point(certificate))
            .map_or_else(ChannelBinding::none, ChannelBinding::tls_server_end_point)
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncRead for Channel<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut *self.stream).poll_read(context, buffer)
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Channel<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut *self.stream).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut *self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut *self.stream).poll_shutdown(context)
    }
}
