use axum::extract::DefaultBodyLimit;
use http::Request;

/// The default body limit of axum's extractors, in bytes. Source: axum-core 0.5,
/// `DefaultBodyLimit`.
const DEFAULT: usize = 2_097_152;

/// Lets axum's extractors read a verified body of `len` bytes. The body is already in memory.
///
/// `body_limit` is the verifier's limit. With a resolver, `body_limit` is the limit of the decoy,
/// and the body of a tenant may be larger.
pub(crate) fn lift<B>(request: &mut Request<B>, len: usize, body_limit: usize) {
    // Setting a limit allocates. Bodies within the default limit need no other limit.
    if len > DEFAULT {
        DefaultBodyLimit::max(body_limit.max(len)).apply(request);
    }
}
