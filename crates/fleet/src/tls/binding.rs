//! `tls-server-end-point`: the hash of the server's certificate to which the proof of a password is bound (RFC 5929).
//!
//! Invariant: a certificate that is not understood gives no binding; with `channel_binding=require` there is then no
//! connection.

use sha2::{Digest, Sha256, Sha384, Sha512};

/// The hash of a certificate by the algorithm of its signature; SHA-256 where that is MD5 or SHA-1.
pub(super) fn end_point(certificate: &[u8]) -> Option<Vec<u8>> {
    match hash_of(algorithm(certificate)?)? {
        256 => Some(Sha256::digest(certificate).to_vec()),
        384 => Some(Sha384::digest(certificate).to_vec()),
        _ => Some(Sha512::digest(certificate).to_vec()),
    }
}

/// The object identifier of the signature's algorithm.
///
/// ```text
/// Certificate ::= SEQUENCE { tbsCertificate SEQUENCE, signatureAlgorithm SEQUENCE { algorithm OBJECT IDENTIFIER, … }, … }
/// ```
fn algorithm(certificate: &[u8]) -> Option<&[u8]> {
    let (certificate, _) = element(certificate, 0x30)?;
    let (_, rest) = element(certificate, 0x30)?;
    let (algorithm, _) = element(rest, 0x30)?;
    element(algorithm, 0x06).map(|(identifier, _)| identifier)
}

/// The content of a DER element of this tag, and what follows it.
fn element(bytes: &[u8], tag: u8) -> Option<(&[u8], &[u8])> {
    let (&[found, length], rest) = bytes.split_first_chunk::<2>()?;
    if found != tag {
        return None;
    }
    let (length, rest) = if length < 0x80 {
        (usize::from(length), rest)
    } else {
        let (digits, rest) = rest.split_at_checked(usize::from(length & 0x7F))?;
        (
            digits.iter().try_fold(0_usize, |sum, &digit| sum.checked_mul(256)?.checked_add(digit.into()))?,
            rest,
        )
    };
    rest.split_at_checked(length)
}

fn hash_of(identifier: &[u8]) -> Option<u16> {
    /// 1.2.840.113549.1.1: RSA.
    const RSA: &[u8] = &[0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 1, 1];
    /// 1.2.840.10045.4: ECDSA.
    const ECDSA: &[u8] = &[0x2A, 0x86, 0x48, 0xCE, 0x3D, 4];
    if let Some(rest) = identifier.strip_prefix(RSA) {
        return match rest {
            [4 | 5 | 11] => Some(256),
            [12] => Some(384),
            [13] => Some(512),
            _ => None,
        };
    }
    match identifier.strip_prefix(ECDSA)? {
        [1] | [3, 2] => Some(256),
        [3, 3] => Some(384),
        [3, 4] => Some(512),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn broken_certificates_give_no_binding() {
        for bytes in [
            &b""[..],
            b"\x30",
            b"\x30\x82\xff\xff",
            b"\x30\x85\xff\xff\xff\xff\xff",
            b"\x31\x00",
            &[0x30; 64],
        ] {
            assert_eq!(end_point(bytes), None);
        }
        let rsa_sha384 =
            [0x30, 17, 0x30, 0, 0x30, 13, 0x06, 9, 0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 1, 1, 12, 5, 0];
        assert_eq!(end_point(&rsa_sha384).map(|hash| hash.len()), Some(48));
    }
}
