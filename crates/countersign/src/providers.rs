//! The providers whose scheme is known, one constant each.
//!
//! Choose by the provider, never by the header: `X-Hub-Signature` carries SHA-256 from one sender and SHA-1 from another.
//!
//! *Confirmed* means that a value which the provider publishes is verified by this project's tests. The other rows rest on what the
//! provider's documentation says, or on what the row's own text names, as read in November 2026.

use std::time::Duration;

use crate::{Algorithm, Part, Scheme};

/// What is called 25 MB, taken as MiB: the reading that loses no delivery.
const MB_25: usize = 25 * 1024 * 1024;

const SHA256_ONLY: &[(&str, Algorithm)] = &[("sha256", Algorithm::Sha256)];

/// [Jira Cloud](https://developer.atlassian.com/cloud/jira/platform/webhooks/#secure-admin-webhooks), webhooks that an administrator
/// registers with a secret: `X-Hub-Signature: sha256=<hex>`. Confirmed.
///
/// - Atlassian announces that another method may follow one day. Then deliveries are refused as
///   [`MethodNotAllowed`](crate::RejectionKind::MethodNotAllowed) until [`algorithms`](crate::VerifierBuilder::algorithms) lists it beside
///   SHA-256.
/// - Webhooks of Connect and OAuth 2.0 apps are not signed this way: they carry a JWT that does not cover the body.
/// - The limit is 25 MiB: by third-party accounts, Jira sends up to 25 MB and drops what is larger.
pub const JIRA: Scheme = Scheme::method_signature("jira", "X-Hub-Signature").body_limit(MB_25);

/// [Jira Data Center](https://confluence.atlassian.com/adminjiraserver/managing-webhooks-938846912.html):
/// `X-Hub-Signature: sha256=<hex>`. By its documentation, which names no largest body: the limit is 2 MiB.
pub const JIRA_DATA_CENTER: Scheme = Scheme::method_signature("jira-data-center", "X-Hub-Signature");

/// [Bitbucket Cloud](https://support.atlassian.com/bitbucket-cloud/docs/manage-webhooks/): `X-Hub-Signature: sha256=<hex>`. Confirmed.
pub const BITBUCKET: Scheme = Scheme::method_signature("bitbucket", "X-Hub-Signature");

/// [Bitbucket Data Center](https://confluence.atlassian.com/bitbucketserver/event-payload-938025882.html):
/// `X-Hub-Signature: sha256=<hex>`. By its documentation.
pub const BITBUCKET_DATA_CENTER: Scheme = Scheme::method_signature("bitbucket-data-center", "X-Hub-Signature");

/// [Confluence Data Center](https://confluence.atlassian.com/conf91/managing-webhooks-1442848789.html):
/// `X-Hub-Signature: sha256=<hex>`. By its documentation.
pub const CONFLUENCE_DATA_CENTER: Scheme = Scheme::method_signature("confluence-data-center", "X-Hub-Signature");

/// [GitHub](https://docs.github.com/en/webhooks/using-webhooks/validating-webhook-deliveries): `X-Hub-Signature-256: sha256=<hex>`.
/// Confirmed. The limit is 25 MiB, as GitHub sends up to 25 MB.
///
/// The SHA-1 that GitHub still sends beside it in `X-Hub-Signature` is not looked at.
pub const GITHUB: Scheme = Scheme::new("github", "X-Hub-Signature-256").tagged(b'=', SHA256_ONLY).body_limit(MB_25);

/// [Meta](https://developers.facebook.com/docs/graph-api/webhooks/getting-started) (Facebook, Instagram, Messenger, `WhatsApp`):
/// `X-Hub-Signature-256: sha256=<hex>`, signed with the app secret. By accounts of its documentation; not confirmed.
pub const META: Scheme = Scheme::new("meta", "X-Hub-Signature-256").tagged(b'=', SHA256_ONLY);

/// [Gitea](https://docs.gitea.com/usage/webhooks): `X-Gitea-Signature: <hex>`. By its source code.
///
/// Set the webhook's content type to `application/json` and its method to `POST`: otherwise Gitea signs something else than what it
/// sends. A webhook without a secret comes with an empty header, which is refused as
/// [`MissingSignature`](crate::RejectionKind::MissingSignature).
pub const GITEA: Scheme = Scheme::new("gitea", "X-Gitea-Signature").bare(Algorithm::Sha256);

/// [Forgejo](https://forgejo.org/docs/latest/user/webhooks/): `X-Forgejo-Signature: <hex>`. By its source code; what [`GITEA`] says
/// holds here too.
pub const FORGEJO: Scheme = Scheme::new("forgejo", "X-Forgejo-Signature").bare(Algorithm::Sha256);

/// [Slack](https://docs.slack.dev/authentication/verifying-requests-from-slack/): `X-Slack-Signature: v0=<hex>` over
/// `v0:{timestamp}:{body}`, with the timestamp in `X-Slack-Request-Timestamp` and five minutes of tolerance. Confirmed.
pub const SLACK: Scheme = Scheme::new("slack", "X-Slack-Signature")
    .tagged(b'=', &[("v0", Algorithm::Sha256)])
    .before(&[Part::Literal("v0:"), Part::Timestamp, Part::Literal(":")])
    .timestamp_header("X-Slack-Request-Timestamp", Duration::from_secs(300));

/// A [WebSub](https://www.w3.org/TR/websub/#signing-content) hub: `X-Hub-Signature: <method>=<hex>` with SHA-256, SHA-384 or SHA-512.
/// By the specification (§7).
///
/// A hub that signs with SHA-1, such as one of `PubSubHubbub` 0.4, needs
/// [`allow_legacy_sha1`](crate::VerifierBuilder::allow_legacy_sha1).
pub const WEBSUB: Scheme =
    Scheme::method_signature("websub", "X-Hub-Signature").default_algorithms(&[Algorithm::Sha256, Algorithm::Sha384, Algorithm::Sha512]);
