//! Encrypted channels, and which certificates open one.
//!
//! Invariant: a mode that promises verification never falls back to one that promises less; a refusal says what was
//! expected and what came.

mod binding;
mod channel;
mod verifier;

use std::path::Path;
use std::sync::Arc;

use rustls::client::WebPkiServerVerifier;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ClientConfig, RootCertStore};

use crate::error::{Code, Error, Result};
use crate::settings::{ChannelBinding, Roots, Settings, SslMode, check_mode};

pub(crate) use channel::Tls;

/// What makes encrypted channels as the settings want them for a host.
pub(crate) fn connector(settings: &Settings, mode: SslMode) -> Result<Tls> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let versions: &[&rustls::SupportedProtocolVersion] =
        if settings.tls13_only() { &[&rustls::version::TLS13] } else { rustls::ALL_VERSIONS };
    let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_protocol_versions(versions)
        .map_err(|error| refused(&error.to_string()))?;
    let verifier = match mode {
        SslMode::Disable | SslMode::Require => verifier::Verifier::unverified(&provider),
        SslMode::VerifyCa | SslMode::VerifyFull => {
            let roots = roots(&settings.roots())?;
            let webpki = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider)
                .build()
                .map_err(|error| refused(&error.to_string()))?;
            verifier::Verifier::new(webpki, mode == SslMode::VerifyFull)
        }
    };
    let builder = builder.dangerous().with_custom_certificate_verifier(Arc::new(verifier));
    let config = match settings.certificate() {
        None => builder.with_no_client_auth(),
        Some((certificate, key)) => builder
            .with_client_auth_cert(certificates(certificate)?, private_key(key)?)
            .map_err(|error| refused(&format!("sslcert and sslkey: {error}")))?,
    };
    Ok(Tls::new(config, settings.binding() != ChannelBinding::Disable))
}

fn refused(message: &str) -> Error {
    Error::new(Code::Tls, message)
}

fn roots(roots: &Roots) -> Result<RootCertStore> {
    let mut store = RootCertStore::empty();
    match roots {
        Roots::System => {
            // Some of a machine's may be malformed; those that are not will do.
            let found = rustls_native_certs::load_native_certs();
            store.add_parsable_certificates(found.certs);
            if store.is_empty() {
                return Err(refused("this machine has no list of CAs (ca-certificates is not installed?)"));
            }
        }
        Roots::File(file) => {
            for certificate in certificates(file)? {
                store.add(certificate).map_err(|error| refused(&format!("{}: {error}", file.display())))?;
            }
        }
    }
    Ok(store)
}

fn certificates(file: &Path) -> Result<Vec<CertificateDer<'static>>> {
    let pem = std::fs::read(file).map_err(|error| unreadable(file, &error.kind().to_string()))?;
    let certificates: std::result::Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&pem).collect();
    match certificates {
        Ok(certificates) if !certificates.is_empty() => Ok(certificates),
        _ => Err(unreadable(file, "it holds no certificate in PEM")),
    }
}

fn private_key(file: &Path) -> Result<PrivateKeyDer<'static>> {
    let metadata = std::fs::metadata(file).map_err(|error| unreadable(file, &error.kind().to_string()))?;
    check_mode(file, &metadata, "key")?;
    let pem = std::fs::read(file).map_err(|error| unreadable(file, &error.kind().to_string()))?;
    PrivateKeyDer::from_pem_slice(&pem)
        .map_err(|_| unreadable(file, "it holds no key in PEM without a password"))
}

fn unreadable(file: &Path, why: &str) -> Error {
    refused(&format!("{} cannot be used: {why}", file.display()))
}
