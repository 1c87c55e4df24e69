//! The known providers, one constant each. [`ALL`] lists the constants.
//!
//! Choose a constant by the provider, never by the header. `X-Hub-Signature` carries SHA-256 from
//! one sender and SHA-1 from another. A secret with the prefix `whsec_` is text to Stripe and
//! base64 to others.
//!
//! # Evidence for a row
//! Each row names its evidence, and [`Scheme::evidence`] returns the same evidence.
//!
//! - *Confirmed*: this project's tests verify a value published by the provider. The value comes
//!   from the provider's documentation or from the tests of the provider's own libraries.
//! - All other rows rest on the provider's documentation or code, or on third-party accounts, as
//!   read in November 2026. Test such a row with a real delivery before you rely on the row.
//!
//! Two defaults apply if the provider names no value:
//!
//! - The largest body is 2 MiB.
//! - The tolerance of a timestamp is five minutes.
//!   [`VerifierBuilder::tolerance`](crate::VerifierBuilder::tolerance) sets another tolerance.
//!
//! # Repeats of deliveries
//! Each row says how the sender repeats deliveries, for the crate `countersign-once`:
//!
//! - *Repeats*: how often, and for how long.
//! - *Identity*: the value by which a guard knows a repeat, or none.
//! - *Safe*: why two different deliveries never share the value.
//! - *Useful*: why a repeat has the value of the first delivery.
//!
//! A *repeat* is sent by the sender itself after a failure, a *redelivery* by hand at the sender, and
//! a *replay* by a stranger with a recorded delivery.
//!
//! The facts were read in November 2026, on the linked pages or in copies of these pages. No page of
//! the provider states a fact marked "likely" or "by third-party accounts". Values in a header are
//! unsigned unless the row says otherwise. [`Scheme::repeats`] returns the defaults of a guard.
//!
//! # Providers without a row
//!
//! | provider | reason |
//! |---|---|
//! | Adyen payments | signs chosen fields of the parsed body, and the signature stands in the body |
//! | Contentful | signs a list of headers, named by each request |
//! | Discord, SendGrid | public-key signatures (Ed25519, ECDSA) |
//! | Figma | a passcode in the body |
//! | HubSpot v1 and v2 | a plain hash of secret and body, no MAC: use [`HUBSPOT_V3`] |
//! | Jira and Confluence apps (Connect, OAuth 2.0) | a JWT that does not cover the body |
//! | Mailgun | the signature stands in the body, and covers a timestamp and a token but not the rest |
//! | monday.com | a JWT that does not cover the body |
//! | PayPal | RSA with a certificate that has to be fetched |
//! | Plaid | a JWT with a hash of the body, signed with a key that has to be fetched |
//! | Twilio | signs the sorted parameters of a parsed form |
//!
//! # Adding a provider
//! Follow the guide [`adding_a_provider`](crate::manual::adding_a_provider). A complete row of a
//! provider with signatures over `{timestamp}.{body}`:
//!
//! ```
//! use std::time::Duration;
//! use countersign::scheme::{Algorithm, Part, Scheme};
//!
//! # const EXAMPLE: Scheme =
//! Scheme::new("example", "X-Example-Signature")
//!     .tagged(b'=', &[("v1", Algorithm::Sha256)])
//!     .prefix(&[Part::Timestamp, Part::Literal(".")])
//!     .timestamp_header("X-Example-Timestamp", Duration::from_secs(300))
//!     .unauthenticated_event_header("X-Example-Event")
//! # ;
//! ```

use std::time::Duration;

use crate::algorithm::Algorithm;
use crate::identity::{Identity, RepeatPolicy};
use crate::scheme::Scheme;
use crate::scheme::encoding::Encoding;
use crate::scheme::evidence::Evidence;
use crate::scheme::part::Part;
use crate::scheme::timestamp::{FIVE_MINUTES, TimestampFormat};

/// The documented limit of 25 MB, read as MiB. The smaller reading would reject deliveries.
const MB_25: usize = 25 * 1024 * 1024;

const SHA256: &[(&str, Algorithm)] = &[("sha256", Algorithm::Sha256)];
const V0: &[(&str, Algorithm)] = &[("v0", Algorithm::Sha256)];
const V1: &[(&str, Algorithm)] = &[("v1", Algorithm::Sha256)];

/// `{timestamp}.{body}`.
const TIMESTAMP_DOT: &[Part] = &[Part::Timestamp, Part::Literal(".")];

/// `v0:{timestamp}:{body}`.
const V0_TIMESTAMP: &[Part] = &[Part::Literal("v0:"), Part::Timestamp, Part::Literal(":")];

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

const fn days(days: u32) -> Duration {
    DAY.saturating_mul(days)
}

/// Shorter than the last gap between the repeats of most senders.
const LEASE: Duration = Duration::from_secs(30);

/// The default times of a guard. Seven days are longer than most windows of repeats below.
const REPEATS: RepeatPolicy = RepeatPolicy::new(days(7), LEASE);

/// Repeats with the default times, known by `identity`.
const fn repeats(identity: Identity) -> RepeatPolicy {
    REPEATS.known_by(identity)
}

/// One signature in base64.
const fn base64(name: &'static str, header: &'static str) -> Scheme {
    Scheme::new(name, header).encoding(Encoding::Base64)
}

/// A scheme of the [Standard Webhooks] specification: headers of id, timestamp and signature, and a
/// key in base64 behind `whsec_`. A repeat has the same signed id.
///
/// [Standard Webhooks]: https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
const fn standard_webhooks(name: &'static str, [id, timestamp, signature]: [&'static str; 3]) -> Scheme {
    Scheme::new(name, signature)
        .tagged(b',', V1)
        .list(b' ')
        .encoding(Encoding::Base64)
        .prefix(&[Part::Id, Part::Literal("."), Part::Timestamp, Part::Literal(".")])
        .id_header(id)
        .timestamp_header(timestamp, FIVE_MINUTES)
        .base64_secret("whsec_")
        .repeat_policy(repeats(Identity::SIGNED_ID))
}

const WEBHOOK_HEADERS: [&str; 3] = ["webhook-id", "webhook-timestamp", "webhook-signature"];
const SVIX_HEADERS: [&str; 3] = ["svix-id", "svix-timestamp", "svix-signature"];

macro_rules! evidence {
    (Confirmed) => {
        "Confirmed"
    };
    (SourceCode) => {
        "Not confirmed, from the provider's source code or specification"
    };
    (Documentation) => {
        "Not confirmed, from the provider's documentation"
    };
    (ThirdParty) => {
        "Not confirmed, from third-party accounts"
    };
    (Conflicting) => {
        "Sources contradict each other"
    };
}

/// Creates a constant for each row, and a list of all rows.
macro_rules! providers {
    ($($(#[$doc:meta])+ $name:ident: $evidence:ident $url:literal = $scheme:expr;)+) => {
        $(
            $(#[$doc])+
            ///
            #[doc = concat!(evidence!($evidence), ": [documentation](", $url, ").")]
            pub const $name: Scheme = $scheme.documented(Evidence::$evidence, $url);
        )+

        /// All providers.
        pub const ALL: &[Scheme] = &[$($name),+];
    };
}

providers! {
    /// Jira Cloud, webhooks registered by an administrator with a secret:
    /// `X-Hub-Signature: sha256=<hex>`.
    ///
    /// - Atlassian announces that another method may follow. Deliveries would then be rejected as
    ///   [`AlgorithmNotAllowed`](crate::RejectionKind::AlgorithmNotAllowed) until
    ///   [`algorithms`](crate::VerifierBuilder::algorithms) lists the new method beside SHA-256.
    /// - Webhooks of Connect and OAuth 2.0 apps are not signed this way. Such webhooks carry a JWT
    ///   that does not cover the body.
    /// - The limit is 25 MiB. By third-party accounts, Jira sends up to 25 MB and drops larger
    ///   deliveries.
    ///
    /// - Repeats: up to five, each 5 to 15 minutes after the last
    ///   ([retry policy](https://developer.atlassian.com/cloud/jira/platform/webhooks/#retry-policy)).
    /// - Identity: the body or the identifier.
    /// - Safe: the body has the time of the event in milliseconds.
    /// - Useful: a repeat has the same `X-Atlassian-Webhook-Identifier`. Equal bytes are not
    ///   promised.
    JIRA: Confirmed "https://developer.atlassian.com/cloud/jira/platform/webhooks/#secure-admin-webhooks" =
        Scheme::method_signature("jira", "X-Hub-Signature")
            .unauthenticated_delivery_id_header("X-Atlassian-Webhook-Identifier")
            .body_limit(MB_25)
            .repeat_policy(repeats(Identity::BODY_OR_UNAUTHENTICATED_ID));

    /// Jira Data Center: `X-Hub-Signature: sha256=<hex>`.
    ///
    /// - Repeats: none, by third-party accounts.
    /// - Identity: the body.
    /// - Safe: the body has the time of the event in milliseconds, by
    ///   [an example](https://gist.github.com/lkraider/c0eccf6677ce5372e5528dba7274763d).
    /// - Useful: a replay has the same body.
    JIRA_DATA_CENTER: Documentation "https://confluence.atlassian.com/adminjiraserver/managing-webhooks-938846912.html" =
        Scheme::method_signature("jira-data-center", "X-Hub-Signature")
            .repeat_policy(repeats(Identity::BODY).never());

    /// Bitbucket Cloud: `X-Hub-Signature: sha256=<hex>`. Bitbucket sends nothing over 256 KB. The
    /// limit stays at 2 MiB.
    ///
    /// - Repeats: up to two, after a 5xx
    ///   ([troubleshooting](https://support.atlassian.com/bitbucket-cloud/docs/troubleshoot-webhooks/)).
    /// - Identity: `X-Request-UUID`.
    /// - Safe: unique to the request; two pushes can have equal bodies.
    /// - Useful: the same in each attempt, by third-party accounts.
    BITBUCKET: Confirmed "https://support.atlassian.com/bitbucket-cloud/docs/manage-webhooks/" =
        Scheme::method_signature("bitbucket", "X-Hub-Signature")
            .unauthenticated_delivery_id_header("X-Request-UUID")
            .unauthenticated_event_header("X-Event-Key")
            .repeat_policy(RepeatPolicy::new(days(7), Duration::from_secs(10)).known_by(Identity::UNAUTHENTICATED_ID));

    /// Bitbucket Data Center: `X-Hub-Signature: sha256=<hex>`.
    ///
    /// - Repeats: none. A failing webhook is skipped for a while, by third-party accounts.
    /// - Identity: the body.
    /// - Safe: the body has the event and its time in seconds
    ///   ([payload](https://confluence.atlassian.com/bitbucketserver/event-payload-938025882.html)).
    /// - Useful: a replay has the same body.
    BITBUCKET_DATA_CENTER: Documentation "https://confluence.atlassian.com/bitbucketserver/event-payload-938025882.html" =
        Scheme::method_signature("bitbucket-data-center", "X-Hub-Signature")
            .unauthenticated_delivery_id_header("X-Request-Id")
            .unauthenticated_event_header("X-Event-Key")
            .repeat_policy(repeats(Identity::BODY).never());

    /// Confluence Data Center: `X-Hub-Signature: sha256=<hex>`.
    ///
    /// - Repeats: none are documented.
    /// - Identity: the body.
    /// - Safe: the body has the event and its time, by third-party accounts.
    /// - Useful: a replay has the same body
    ///   ([webhooks](https://confluence.atlassian.com/conf91/managing-webhooks-1442848789.html)).
    CONFLUENCE_DATA_CENTER: Documentation "https://confluence.atlassian.com/conf91/managing-webhooks-1442848789.html" =
        Scheme::method_signature("confluence-data-center", "X-Hub-Signature")
            .repeat_policy(repeats(Identity::BODY).never());

    /// A WebSub hub (§7): `X-Hub-Signature: <method>=<hex>` with SHA-256, SHA-384 or SHA-512.
    ///
    /// The secret has fewer than 200 bytes. A hub with SHA-1 signatures, such as a hub of
    /// PubSubHubbub 0.4, needs [`allow_legacy_sha1`](crate::VerifierBuilder::allow_legacy_sha1).
    ///
    /// - Repeats: the hub's choice
    ///   ([content distribution](https://www.w3.org/TR/websub/#content-distribution)).
    /// - Identity: none.
    /// - Safe: the body is the content of the topic, which can return to an earlier state.
    /// - Useful: unknown.
    WEBSUB: SourceCode "https://www.w3.org/TR/websub/#signing-content" =
        Scheme::method_signature("websub", "X-Hub-Signature")
            .default_algorithms(&[Algorithm::Sha256, Algorithm::Sha384, Algorithm::Sha512])
            .key_lengths(1, 199);

    /// GitHub: `X-Hub-Signature-256: sha256=<hex>`. The limit is 25 MiB: GitHub sends up to 25 MB.
    ///
    /// GitHub also sends a SHA-1 signature in `X-Hub-Signature`. This row ignores that header.
    ///
    /// - Repeats: none. A redelivery by hand has the same `X-GitHub-Delivery`
    ///   ([best practices](https://docs.github.com/en/webhooks/using-webhooks/best-practices-for-using-webhooks#use-the-x-github-delivery-header)).
    /// - Identity: `X-GitHub-Delivery`.
    /// - Safe: unique to the event; two webhooks may share the id, so give each a guard of its
    ///   own.
    /// - Useful: for redeliveries, not against replays. `Identity::BODY` stops replays, but is not safe
    ///   for events without a time, such as `org_block` and `github_app_authorization`.
    GITHUB: Confirmed "https://docs.github.com/en/webhooks/using-webhooks/validating-webhook-deliveries" =
        Scheme::new("github", "X-Hub-Signature-256")
            .tagged(b'=', SHA256)
            .unauthenticated_delivery_id_header("X-GitHub-Delivery")
            .unauthenticated_event_header("X-GitHub-Event")
            .also_sends(&["X-Hub-Signature"])
            .body_limit(MB_25)
            .repeat_policy(repeats(Identity::UNAUTHENTICATED_ID).never());

    /// Gitea: `X-Gitea-Signature: <hex>`.
    ///
    /// Set the webhook's content type to `application/json` and the method to `POST`. Otherwise the
    /// signed bytes differ from the sent bytes. A webhook without a secret sends an empty header.
    /// Such a delivery is rejected as [`MissingSignature`](crate::RejectionKind::MissingSignature).
    ///
    /// - Repeats: none
    ///   ([source](https://github.com/go-gitea/gitea/blob/main/services/webhook/deliver.go)).
    /// - Identity: `X-Gitea-Delivery`.
    /// - Safe: a random id for each delivery; two edits of a wiki page can have equal bodies.
    /// - Useful: nothing is repeated. A redelivery has a new id, and is handled again.
    GITEA: SourceCode "https://docs.gitea.com/usage/webhooks" =
        Scheme::new("gitea", "X-Gitea-Signature")
            .unauthenticated_delivery_id_header("X-Gitea-Delivery")
            .unauthenticated_event_header("X-Gitea-Event")
            .also_sends(&["X-Gogs-Signature", "X-Hub-Signature", "X-Hub-Signature-256"])
            .repeat_policy(repeats(Identity::UNAUTHENTICATED_ID).never());

    /// Forgejo: `X-Forgejo-Signature: <hex>`. The notes on [`GITEA`] apply here too.
    ///
    /// - Repeats: none ([webhooks](https://forgejo.org/docs/latest/user/webhooks/)).
    /// - Identity: `X-Forgejo-Delivery`.
    /// - Safe and useful as for [`GITEA`].
    FORGEJO: SourceCode "https://forgejo.org/docs/latest/user/webhooks/" =
        Scheme::new("forgejo", "X-Forgejo-Signature")
            .unauthenticated_delivery_id_header("X-Forgejo-Delivery")
            .unauthenticated_event_header("X-Forgejo-Event")
            .also_sends(&["X-Gitea-Signature", "X-Gogs-Signature", "X-Hub-Signature", "X-Hub-Signature-256"])
            .repeat_policy(repeats(Identity::UNAUTHENTICATED_ID).never());

    /// Meta (Facebook, Instagram, Messenger, WhatsApp): `X-Hub-Signature-256: sha256=<hex>`, signed
    /// with the app secret. The limit is 3 MiB: deliveries of WhatsApp have up to 3 MB, by a copy of
    /// [its page](https://developers.facebook.com/documentation/business-messaging/whatsapp/webhooks/overview#payload-size).
    ///
    /// - Repeats: for up to 36 hours, and seven days for WhatsApp by third-party accounts
    ///   ([frequency](https://developers.facebook.com/docs/graph-api/webhooks/getting-started#frequency)).
    /// - Identity: none.
    /// - Safe: the body mostly, as the events in the body have ids or times.
    /// - Useful: unknown, as equal bytes are not promised. Claim each message of a batch by its id.
    META: ThirdParty "https://developers.facebook.com/docs/graph-api/webhooks/getting-started" =
        Scheme::new("meta", "X-Hub-Signature-256").tagged(b'=', SHA256).also_sends(&["X-Hub-Signature"]).body_limit(3 * 1024 * 1024);

    /// Shopify: `X-Shopify-Hmac-Sha256: <base64>`, signed with the app's client secret.
    ///
    /// The newer deliveries of Shopify's events name the header without the `X-`. This row does not
    /// accept such deliveries.
    ///
    /// - Repeats: eight in four hours
    ///   ([retries](https://shopify.dev/changelog/updates-to-webhook-retry-mechanism)).
    /// - Identity: `X-Shopify-Webhook-Id`.
    /// - Safe: unique to the delivery
    ///   ([structure](https://shopify.dev/docs/apps/build/webhooks/delivery-structure)); some
    ///   topics, and `include_fields`, make equal bodies.
    /// - Useful: the same in a repeat
    ///   ([duplicates](https://shopify.dev/docs/apps/build/webhooks/verify-deliveries)), but no
    ///   help against replays.
    SHOPIFY: Confirmed "https://shopify.dev/docs/apps/build/webhooks/verify-deliveries" =
        base64("shopify", "X-Shopify-Hmac-Sha256")
            .unauthenticated_delivery_id_header("X-Shopify-Webhook-Id")
            .unauthenticated_event_header("X-Shopify-Topic")
            .repeat_policy(repeats(Identity::UNAUTHENTICATED_ID));

    /// Linear: `Linear-Signature: <hex>`.
    ///
    /// The timestamp stands in the body. The copy in a header is not signed. Check the timestamp in
    /// the body: Linear's own library allows a minute.
    ///
    /// - Repeats: three, a minute, an hour and six hours later, after any status but 200
    ///   ([webhooks](https://linear.app/developers/webhooks)).
    /// - Identity: the body or `Linear-Delivery`.
    /// - Safe: the id is unique to the payload, and the body has the time of sending in
    ///   milliseconds.
    /// - Useful: likely the same id in a repeat. The body changes.
    LINEAR: SourceCode "https://linear.app/developers/webhooks" =
        Scheme::new("linear", "Linear-Signature")
            .unauthenticated_delivery_id_header("Linear-Delivery")
            .unauthenticated_event_header("Linear-Event")
            .repeat_policy(repeats(Identity::BODY_OR_UNAUTHENTICATED_ID));

    /// Notion: `X-Notion-Signature: sha256=<hex>`, signed with the verification token.
    ///
    /// - Repeats: up to seven, the last about a day later
    ///   ([delivery](https://developers.notion.com/reference/webhooks-events-delivery)).
    /// - Identity: `id` in the body.
    /// - Safe: unique to the event.
    /// - Useful: the body counts the attempts for one `id`.
    NOTION: Confirmed "https://developers.notion.com/reference/webhooks" =
        Scheme::new("notion", "X-Notion-Signature").tagged(b'=', SHA256)
            .repeat_policy(repeats(Identity::member("id")));

    /// Dropbox: `X-Dropbox-Signature: <hex>`, signed with the app secret.
    ///
    /// - Repeats: for about ten minutes, by a copy of
    ///   [the reference](https://www.dropbox.com/developers/reference/webhooks).
    /// - Identity: none.
    /// - Safe: no, the body only names accounts with changes, and is the same for every change.
    /// - Useful: a handler that lists changes from its own cursor needs no guard.
    DROPBOX: ThirdParty "https://www.dropbox.com/developers/reference/webhooks" = Scheme::new("dropbox", "X-Dropbox-Signature");

    /// Lemon Squeezy: `X-Signature: <hex>`.
    ///
    /// - Repeats: three, about 5, 25 and 125 seconds apart
    ///   ([requests](https://docs.lemonsqueezy.com/help/webhooks/webhook-requests)).
    /// - Identity: the body.
    /// - Safe: the body has the event and the time of the change.
    /// - Useful: the body does not change, by third-party accounts.
    LEMON_SQUEEZY: ThirdParty "https://docs.lemonsqueezy.com/help/webhooks/signing-requests" =
        Scheme::new("lemon-squeezy", "X-Signature").unauthenticated_event_header("X-Event-Name")
            .repeat_policy(repeats(Identity::BODY));

    /// Intercom: `X-Hub-Signature: sha1=<hex>`, signed with the client secret. Intercom signs only
    /// with SHA-1, and needs [`allow_legacy_sha1`](crate::VerifierBuilder::allow_legacy_sha1).
    ///
    /// - Repeats: one, a minute later
    ///   ([models](https://developers.intercom.com/docs/references/webhooks/webhook-models)).
    /// - Identity: `id` in the body.
    /// - Safe: unique to the notification.
    /// - Useful: the body counts the attempts for one `id`.
    INTERCOM: ThirdParty "https://developers.intercom.com/docs/references/webhooks/webhook-models" =
        Scheme::new("intercom", "X-Hub-Signature").tagged(b'=', &[("sha1", Algorithm::Sha1)])
            .repeat_policy(repeats(Identity::member("id")));

    /// Typeform: `Typeform-Signature: sha256=<base64>`.
    ///
    /// - Repeats: for about ten hours, by third-party accounts
    ///   ([webhooks](https://www.typeform.com/developers/webhooks/)).
    /// - Identity: `event_id` in the body.
    /// - Safe: unique, by third-party accounts.
    /// - Useful: the same in a repeat, by third-party accounts.
    TYPEFORM: ThirdParty "https://www.typeform.com/developers/webhooks/secure-your-webhooks/" =
        base64("typeform", "Typeform-Signature").tagged(b'=', SHA256)
            .repeat_policy(repeats(Identity::member("event_id")));

    /// DocuSign Connect: `X-DocuSign-Signature-1: <base64>`, and a header with the next number for
    /// each further key. An account may have up to 100 keys, by third-party accounts. A delivery with
    /// more than 16 signatures is rejected.
    ///
    /// With included documents, a delivery can be larger than 2 MiB: raise
    /// [`body_limit`](crate::VerifierBuilder::body_limit).
    ///
    /// - Repeats: for up to seven days, the first after 15 seconds, by third-party accounts.
    /// - Identity: none.
    /// - Safe: the body has no id of the event
    ///   ([model](https://developers.docusign.com/platform/webhooks/connect/json-sim-event-model)).
    /// - Useful: no, the body counts the attempts. Claim the event by `data.envelopeId`, `event`
    ///   and `generatedDateTime`.
    DOCUSIGN: ThirdParty "https://developers.docusign.com/platform/webhooks/connect/validate/" =
        base64("docusign", "X-DocuSign-Signature-").numbered_headers("X-DocuSign-Signature-");

    /// Asana: `X-Hook-Signature: <hex>`, signed with the secret from Asana's handshake.
    ///
    /// - Repeats: for up to 24 hours ([guide](https://developers.asana.com/docs/webhooks-guide)).
    /// - Identity: none.
    /// - Safe: events have no id, and all heartbeats are equal.
    /// - Useful: equal bytes are not promised.
    ASANA: SourceCode "https://developers.asana.com/docs/webhooks-guide" = Scheme::new("asana", "X-Hook-Signature");

    /// PagerDuty v3: `X-PagerDuty-Signature: v1=<hex>,v1=<hex>`, a signature for each secret.
    ///
    /// - Repeats: for up to 48 hours
    ///   ([behavior](https://developer.pagerduty.com/docs/webhooks/webhook-behavior)).
    /// - Identity: the body or `X-Webhook-Id`.
    /// - Safe: the body has the unique id of one event, and the header is unique.
    /// - Useful: a repeat has the same header.
    PAGERDUTY: Confirmed "https://developer.pagerduty.com/docs/webhooks/webhook-signatures/" =
        Scheme::new("pagerduty", "X-PagerDuty-Signature").tagged(b'=', V1).list(b',')
            .unauthenticated_delivery_id_header("X-Webhook-Id")
            .repeat_policy(repeats(Identity::BODY_OR_UNAUTHENTICATED_ID));

    /// Sentry: `Sentry-Hook-Signature: <hex>`, signed with the client secret. The timestamp in a
    /// header is not signed. Requests of UI components have another header, and this row rejects them.
    ///
    /// - Repeats: three, five minutes apart, for published integrations only
    ///   ([source](https://github.com/getsentry/sentry/blob/master/src/sentry/sentry_apps/tasks/sentry_apps.py)).
    /// - Identity: none.
    /// - Safe: the body has no id and no time.
    /// - Useful: no, `Request-ID` is new in each attempt.
    SENTRY: ThirdParty "https://docs.sentry.io/organization/integrations/integration-platform/webhooks/" =
        Scheme::new("sentry", "Sentry-Hook-Signature")
            .unauthenticated_delivery_id_header("Request-ID")
            .unauthenticated_event_header("Sentry-Hook-Resource");

    /// Vercel: `x-vercel-signature: <hex>`. Vercel signs only with SHA-1, and needs
    /// [`allow_legacy_sha1`](crate::VerifierBuilder::allow_legacy_sha1).
    ///
    /// - Repeats: for up to 24 hours, by third-party accounts.
    /// - Identity: `id` in the body.
    /// - Safe: unique to the delivery ([payload](https://vercel.com/docs/webhooks/webhooks-api)).
    /// - Useful: the same in a repeat, by third-party accounts.
    VERCEL: ThirdParty "https://vercel.com/docs/webhooks" = Scheme::new("vercel", "x-vercel-signature").bare(Algorithm::Sha1)
            .repeat_policy(repeats(Identity::member("id")));

    /// Heroku: `Heroku-Webhook-Hmac-SHA256: <base64>`.
    ///
    /// - Repeats: for up to 72 hours, at the level `sync` only
    ///   ([schema](https://devcenter.heroku.com/articles/app-webhooks-schema)).
    /// - Identity: `id` in the body.
    /// - Safe: unique to the event.
    /// - Useful: likely the same in a repeat. The body names the attempt.
    HEROKU: ThirdParty "https://devcenter.heroku.com/articles/app-webhooks#securing-webhook-requests" =
        base64("heroku", "Heroku-Webhook-Hmac-SHA256")
            .repeat_policy(repeats(Identity::member("id")));

    /// CircleCI: `circleci-signature: v1=<hex>`, a list that may gain later versions. This row
    /// reads only `v1`.
    ///
    /// - Repeats: at times not documented.
    /// - Identity: `id` in the body.
    /// - Safe: unique to the event ([reference](https://circleci.com/docs/webhooks-reference/)).
    /// - Useful: meant for finding duplicates.
    CIRCLECI: Confirmed "https://circleci.com/docs/guides/integration/outbound-webhooks/" =
        Scheme::new("circleci", "circleci-signature")
            .tagged(b'=', V1)
            .list(b',')
            .unauthenticated_event_header("circleci-event-type")
            .repeat_policy(repeats(Identity::member("id")));

    /// WooCommerce: `X-WC-Webhook-Signature: <base64>`.
    ///
    /// - Repeats: none
    ///   ([source](https://github.com/woocommerce/woocommerce/blob/trunk/plugins/woocommerce/includes/class-wc-webhook.php)).
    /// - Identity: none.
    /// - Safe: no, a deleted resource sends its number only, and the delivery id is a hash of the
    ///   webhook and the second.
    /// - Useful: not needed.
    WOOCOMMERCE: ThirdParty "https://woocommerce.github.io/woocommerce-rest-api-docs/#webhooks" =
        base64("woocommerce", "X-WC-Webhook-Signature")
            .unauthenticated_delivery_id_header("X-WC-Webhook-Delivery-ID")
            .unauthenticated_event_header("X-WC-Webhook-Topic")
            .repeat_policy(REPEATS.never());

    /// Xero: `x-xero-signature: <base64>`. During the setup of a webhook, Xero sends wrong
    /// signatures on purpose and expects the answer 401.
    ///
    /// - Repeats: for up to 24 hours
    ///   ([server](https://developer.xero.com/documentation/webhooks/configuring-your-server)).
    /// - Identity: none.
    /// - Safe: the body has random `entropy`.
    /// - Useful: no, a repeat has other `entropy`, by third-party accounts. Claim each event by
    ///   `resourceId` and `eventDateUtc`.
    XERO: ThirdParty "https://developer.xero.com/documentation/guides/webhooks/overview/" = base64("xero", "x-xero-signature");

    /// QuickBooks (Intuit): `intuit-signature: <base64>`, signed with the verifier token. Intuit sets no
    /// limit of its own for a delivery: with many events, raise
    /// [`body_limit`](crate::VerifierBuilder::body_limit)
    /// ([notifications](https://developer.intuit.com/app/developer/qbo/docs/develop/webhooks/managing-webhooks-notifications)).
    ///
    /// - Repeats: from ten seconds to six hours apart, without a stated end
    ///   ([best practices](https://developer.intuit.com/app/developer/qbo/docs/develop/webhooks/best-practices)).
    /// - Identity: the body, remembered for 14 days.
    /// - Safe: each event of the list has a unique id.
    /// - Useful: likely, as Intuit repeats the failed event.
    QUICKBOOKS: ThirdParty "https://developer.intuit.com/app/developer/qbo/docs/develop/webhooks" =
        base64("quickbooks", "intuit-signature")
            .repeat_policy(RepeatPolicy::new(days(14), LEASE).known_by(Identity::BODY));

    /// Adyen, webhooks of banking and management: `HmacSignature: <base64>`, with the key in
    /// hexadecimal digits. Webhooks of payments use another scheme, without a row here.
    ///
    /// - Repeats: three within half a minute, then for up to 30 days
    ///   ([troubleshooting](https://docs.adyen.com/development-resources/webhooks/troubleshoot)).
    /// - Identity: the body, remembered for 31 days.
    /// - Safe: likely, the body has the time of queueing.
    /// - Useful: likely, as this time does not change in a repeat. There is no common id.
    ADYEN: Confirmed "https://docs.adyen.com/development-resources/webhooks/secure-webhooks/verify-hmac-signatures" =
        base64("adyen", "HmacSignature").hex_secret()
            .repeat_policy(RepeatPolicy::new(days(31), LEASE).known_by(Identity::BODY));

    /// Airtable: `X-Airtable-Content-MAC: hmac-sha256=<hex>`, with the key in base64. The delivery
    /// only announces that there is data to fetch.
    ///
    /// - Repeats: up to 13 in about a day
    ///   ([overview](https://airtable.com/developers/web/api/webhooks-overview)).
    /// - Identity: none.
    /// - Safe: the body has the time in milliseconds.
    /// - Useful: unknown. The cursor of the payloads, not the delivery, tells what was handled.
    AIRTABLE: ThirdParty "https://airtable.com/developers/web/api/webhooks-overview" =
        Scheme::new("airtable", "X-Airtable-Content-MAC").tagged(b'=', &[("hmac-sha256", Algorithm::Sha256)]).base64_secret("");

    /// Coinbase Commerce: `X-CC-Webhook-Signature: <hex>`.
    ///
    /// - Repeats: for up to three days
    ///   ([webhooks](https://docs.cdp.coinbase.com/commerce-onchain/docs/webhooks)).
    /// - Identity: none.
    /// - Safe: `id` in the body may be the number of the attempt
    ///   ([fields](https://docs.cdp.coinbase.com/commerce/api-arcitecture/webhooks-fields)).
    /// - Useful: no, the body counts the attempts. Claim the event by `event.id`.
    COINBASE_COMMERCE: Confirmed "https://docs.cdp.coinbase.com/commerce-onchain/docs/webhooks" =
        Scheme::new("coinbase-commerce", "X-CC-Webhook-Signature");

    /// Razorpay: `X-Razorpay-Signature: <hex>`.
    ///
    /// - Repeats: for 24 hours, and by hand for seven days
    ///   ([best practices](https://razorpay.com/docs/webhooks/best-practices)).
    /// - Identity: the body or `X-Razorpay-Event-Id`.
    /// - Safe: the header is unique to the event, and the body has the event and its time.
    /// - Useful: the same header in a repeat
    ///   ([validation](https://razorpay.com/docs/webhooks/validate-test/)).
    RAZORPAY: Confirmed "https://razorpay.com/docs/webhooks/validate-test/" =
        Scheme::new("razorpay", "X-Razorpay-Signature").unauthenticated_delivery_id_header("X-Razorpay-Event-Id")
            .repeat_policy(RepeatPolicy::new(days(8), LEASE).known_by(Identity::BODY_OR_UNAUTHENTICATED_ID));

    /// GitLab 19.0 and later, webhooks with a signing token: [`STANDARD_WEBHOOKS`] with a key of 32
    /// bytes. A webhook can have a secret token too, and then also sends `X-Gitlab-Token`.
    ///
    /// The limit is 25 MiB, and GitLab sends nothing larger
    /// ([source](https://gitlab.com/gitlab-org/gitlab/-/blob/master/app/services/web_hook_service.rb)).
    ///
    /// - Repeats: none as a rule.
    /// - Identity: the signed id.
    /// - Safe: a new id for each delivery.
    /// - Useful: the same in a repeat and in a redelivery
    ///   ([webhooks](https://docs.gitlab.com/user/project/integrations/webhooks/)).
    GITLAB: Documentation "https://gitlab.com/gitlab-org/gitlab/-/merge_requests/230944" =
        standard_webhooks("gitlab", WEBHOOK_HEADERS)
            .key_lengths(32, 32)
            .also_sends(&["X-Gitlab-Token"])
            .body_limit(MB_25)
            .unauthenticated_event_header("X-Gitlab-Event")
            .repeat_policy(repeats(Identity::SIGNED_ID).never());

    /// GitLab, webhooks with a secret token: `X-Gitlab-Token` holds the token itself.
    ///
    /// **The token does not cover the body. Anybody with a copy of one delivery can forge others.**
    /// Prefer [`GITLAB`]. The limit is the same, 25 MiB.
    ///
    /// - Repeats: none as a rule.
    /// - Identity: `Idempotency-Key`, from GitLab 17.4 on.
    /// - Safe: a new key for each delivery.
    /// - Useful: the same in a redelivery
    ///   ([webhooks](https://docs.gitlab.com/user/project/integrations/webhooks/)).
    ///   `X-Gitlab-Event-UUID` is not safe: webhooks that trigger each other share the value.
    GITLAB_TOKEN: SourceCode "https://docs.gitlab.com/user/project/integrations/webhooks/" =
        Scheme::insecure_static_token("gitlab-token", "X-Gitlab-Token")
            .body_limit(MB_25)
            .unauthenticated_delivery_id_header("Idempotency-Key")
            .unauthenticated_event_header("X-Gitlab-Event")
            .repeat_policy(repeats(Identity::UNAUTHENTICATED_ID).never());

    /// Okta event hooks: the header `Authorization` holds an agreed value.
    ///
    /// **The value does not cover the body. Anybody with a copy of one delivery can forge others.**
    ///
    /// Okta lets you choose the name of the header. For another name, use
    /// [`Scheme::insecure_static_token`].
    ///
    /// - Repeats: at most one
    ///   ([event hooks](https://developer.okta.com/docs/concepts/event-hooks/)).
    /// - Identity: none.
    /// - Safe: the value covers no body, and no header names the delivery.
    /// - Useful: compare `uuid` of each event in the handler.
    OKTA_TOKEN: ThirdParty "https://developer.okta.com/docs/concepts/event-hooks/" =
        Scheme::insecure_static_token("okta-token", "Authorization");

    /// Stripe: `Stripe-Signature: t=<seconds>,v1=<hex>` over `{timestamp}.{body}`.
    ///
    /// The tolerance is five minutes. The secret is the whole text, including `whsec_`.
    ///
    /// - Repeats: for up to three days
    ///   ([undelivered events](https://docs.stripe.com/webhooks/process-undelivered-events)).
    /// - Identity: `id` in the body.
    /// - Safe: unique to the event; two endpoints get the same event, so give each a guard of its
    ///   own.
    /// - Useful: the same in a repeat
    ///   ([duplicates](https://docs.stripe.com/webhooks#handle-duplicate-events)).
    STRIPE: Confirmed "https://docs.stripe.com/webhooks/signature" =
        Scheme::new("stripe", "Stripe-Signature")
            .tagged(b'=', V1)
            .list(b',')
            .prefix(TIMESTAMP_DOT)
            .timestamp_item("t", FIVE_MINUTES)
            .repeat_policy(repeats(Identity::member("id")));

    /// Slack: `X-Slack-Signature: v0=<hex>` over `v0:{timestamp}:{body}`.
    ///
    /// The timestamp stands in `X-Slack-Request-Timestamp`. The tolerance is five minutes.
    ///
    /// - Repeats: three, at once, a minute and five minutes later, and with Delayed Events hourly
    ///   for a day ([retries](https://docs.slack.dev/apis/events-api/#retries)).
    /// - Identity: `event_id` in the body.
    /// - Safe: unique to the event
    ///   ([object](https://docs.slack.dev/reference/objects/event-object)).
    /// - Useful: the same in a repeat, by third-party accounts. Bodies without `event_id`, such
    ///   as slash commands, are not guarded.
    SLACK: Confirmed "https://docs.slack.dev/authentication/verifying-requests-from-slack/" =
        Scheme::new("slack", "X-Slack-Signature")
            .tagged(b'=', V0)
            .prefix(V0_TIMESTAMP)
            .timestamp_header("X-Slack-Request-Timestamp", FIVE_MINUTES)
            .repeat_policy(repeats(Identity::member("event_id")));

    /// Standard Webhooks: `webhook-signature: v1,<base64> v1,<base64>` over
    /// `{id}.{timestamp}.{body}`.
    ///
    /// Id and timestamp stand in `webhook-id` and `webhook-timestamp`. The key has 24 to 64 bytes,
    /// in base64 behind `whsec_`. The specification gives no tolerance.
    ///
    /// - Repeats: the sender's choice. The specification's example ends after 76 hours.
    /// - Identity: the signed id.
    /// - Safe: unique to the event.
    /// - Useful: the same in a repeat
    ///   ([specification](https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md)).
    STANDARD_WEBHOOKS: Confirmed "https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md" =
        standard_webhooks("standard-webhooks", WEBHOOK_HEADERS).key_lengths(24, 64);

    /// Svix: [`STANDARD_WEBHOOKS`] in headers with the prefix `svix-`.
    ///
    /// A company that sends through Svix under its own name may use the prefix `webhook-`. Use
    /// [`STANDARD_WEBHOOKS`] for such deliveries. Keys of 65 to 75 bytes, which Svix allows, are too long
    /// for that row: generate a shorter key.
    ///
    /// - Repeats: seven in 28 hours ([retries](https://docs.svix.com/retries)).
    /// - Identity: the signed id.
    /// - Safe: unique to the message.
    /// - Useful: the same in a repeat
    ///   ([verification](https://docs.svix.com/receiving/verifying-payloads/how-manual)).
    SVIX: Confirmed "https://docs.svix.com/receiving/verifying-payloads/how-manual" = standard_webhooks("svix", SVIX_HEADERS);

    /// Clerk sends through [`SVIX`].
    ///
    /// - Repeats and identity: as for [`SVIX`].
    /// - Safe and useful for the same reasons.
    CLERK: ThirdParty "https://clerk.com/docs/guides/development/webhooks/overview" = standard_webhooks("clerk", SVIX_HEADERS);

    /// Resend sends through [`SVIX`].
    ///
    /// - Repeats: as for [`SVIX`]
    ///   ([retries](https://resend.com/docs/webhooks/retries-and-replays)).
    /// - Identity: the signed id.
    /// - Safe and useful for the same reasons. A redelivery gets the stored status.
    RESEND: SourceCode "https://resend.com/docs/webhooks" = standard_webhooks("resend", SVIX_HEADERS);

    /// OpenAI: [`STANDARD_WEBHOOKS`].
    ///
    /// - Repeats: for up to 72 hours.
    /// - Identity: the signed id.
    /// - Safe: unique to the event.
    /// - Useful: meant for finding duplicates
    ///   ([webhooks](https://platform.openai.com/docs/guides/webhooks)).
    OPENAI: Confirmed "https://platform.openai.com/docs/guides/webhooks" = standard_webhooks("openai", WEBHOOK_HEADERS);

    /// Anthropic, managed agents: [`STANDARD_WEBHOOKS`], as in Anthropic's library. Anthropic's
    /// documentation names another header.
    ///
    /// - Repeats: at least one.
    /// - Identity: `id` in the body.
    /// - Safe: unique to the event
    ///   ([type](https://github.com/anthropics/anthropic-sdk-python/blob/main/src/anthropic/types/beta/beta_webhook_event.py)).
    /// - Useful: the same in a repeat, by third-party accounts. The signed id may be new in each
    ///   attempt.
    ANTHROPIC: Conflicting "https://platform.claude.com/docs/en/managed-agents/webhooks" = standard_webhooks("anthropic", WEBHOOK_HEADERS)
            .repeat_policy(repeats(Identity::member("id")));

    /// Zoom: `x-zm-signature: v0=<hex>` over `v0:{timestamp}:{body}`. The timestamp stands in
    /// `x-zm-request-timestamp`.
    ///
    /// - Repeats: three, each 5, 20 and 60 minutes after the last
    ///   ([delays](https://developers.zoom.us/blog/webhook-delays/)).
    /// - Identity: the body.
    /// - Safe: the body has the time of the event in milliseconds.
    /// - Useful: likely. A repeat of a recording event may have a new token, and is then handled
    ///   again.
    ZOOM: SourceCode "https://developers.zoom.us/docs/api/webhooks/" =
        Scheme::new("zoom", "x-zm-signature")
            .tagged(b'=', V0)
            .prefix(V0_TIMESTAMP)
            .timestamp_header("x-zm-request-timestamp", FIVE_MINUTES)
            .repeat_policy(repeats(Identity::BODY));

    /// Twitch EventSub: `Twitch-Eventsub-Message-Signature: sha256=<hex>` over
    /// `{id}{timestamp}{body}`.
    ///
    /// The tolerance is ten minutes. The secret has 10 to 100 characters. Twitch promises no form of
    /// the id. A known id is a UUID, or padded base64url.
    ///
    /// - Repeats: an undocumented number.
    /// - Identity: the signed id.
    /// - Safe: unique to the message.
    /// - Useful: the same in a repeat
    ///   ([duplicates](https://dev.twitch.tv/docs/eventsub/#handling-duplicate-events)).
    TWITCH: ThirdParty "https://dev.twitch.tv/docs/eventsub/handling-webhook-events/" =
        Scheme::new("twitch", "Twitch-Eventsub-Message-Signature")
            .tagged(b'=', SHA256)
            .prefix(&[Part::Id, Part::Timestamp])
            .id_header("Twitch-Eventsub-Message-Id")
            .timestamp_header("Twitch-Eventsub-Message-Timestamp", Duration::from_secs(600))
            .timestamp_format(TimestampFormat::Rfc3339)
            .unauthenticated_event_header("Twitch-Eventsub-Subscription-Type")
            .key_lengths(10, 100)
            .repeat_policy(repeats(Identity::SIGNED_ID));

    /// Box: `BOX-SIGNATURE-PRIMARY: <base64>` and `BOX-SIGNATURE-SECONDARY` over
    /// `{body}{timestamp}`.
    ///
    /// - Each of the two keys has a signature header.
    /// - The tolerance is ten minutes.
    /// - `BOX-SIGNATURE-VERSION` and `BOX-SIGNATURE-ALGORITHM` are ignored. This row is version 1,
    ///   and Box has a single algorithm.
    ///
    /// - Repeats: up to ten, the first five minutes later
    ///   ([retries](https://box.dev/en/guides/webhooks/handle/retries/)).
    /// - Identity: `id` in the body.
    /// - Safe: unique to the event.
    /// - Useful: the same in a repeat, unlike `BOX-DELIVERY-ID`
    ///   ([webhooks](https://developer.box.com/guides/webhooks/v2/)).
    BOX: Confirmed "https://developer.box.com/guides/webhooks/v2/signatures-v2" =
        base64("box", "BOX-SIGNATURE-PRIMARY")
            .any_of_headers(&["BOX-SIGNATURE-PRIMARY", "BOX-SIGNATURE-SECONDARY"])
            .suffix(&[Part::Timestamp])
            .timestamp_header("BOX-DELIVERY-TIMESTAMP", Duration::from_secs(600))
            .timestamp_format(TimestampFormat::Rfc3339)
            .unauthenticated_delivery_id_header("BOX-DELIVERY-ID")
            .repeat_policy(repeats(Identity::member("id")));

    /// Square: `x-square-hmacsha256-signature: <base64>` over `{url}{body}`. The
    /// [`url`](crate::VerifierBuilder::url) is the registered notification URL.
    ///
    /// - Repeats: for up to 24 hours
    ///   ([troubleshooting](https://developer.squareup.com/docs/webhooks/troubleshooting)).
    /// - Identity: `event_id` in the body.
    /// - Safe: unique to the event.
    /// - Useful: meant for finding repeats
    ///   ([step 4](https://developer.squareup.com/docs/webhooks/step4manage)).
    SQUARE: Confirmed "https://developer.squareup.com/docs/webhooks/step3validate" =
        base64("square", "x-square-hmacsha256-signature").prefix(&[Part::Url])
            .repeat_policy(repeats(Identity::member("event_id")));

    /// Paddle Billing: `Paddle-Signature: ts=<seconds>;h1=<hex>` over `{timestamp}:{body}`.
    ///
    /// The tolerance is five seconds, as in Paddle's own library. A receiver with a clock error of
    /// more than five seconds loses deliveries.
    ///
    /// - Repeats: 60 in three days
    ///   ([responses](https://developer.paddle.com/webhooks/respond-to-webhooks)).
    /// - Identity: `event_id` in the body.
    /// - Safe: unique to the event.
    /// - Useful: the same in a repeat
    ///   ([webhooks](https://developer.paddle.com/webhooks/about/how-webhooks-work)).
    PADDLE: Confirmed "https://developer.paddle.com/webhooks/signature-verification" =
        Scheme::new("paddle", "Paddle-Signature")
            .tagged(b'=', &[("h1", Algorithm::Sha256)])
            .list(b';')
            .prefix(&[Part::Timestamp, Part::Literal(":")])
            .timestamp_item("ts", Duration::from_secs(5))
            .repeat_policy(repeats(Identity::member("event_id")));

    /// HubSpot v3: `X-HubSpot-Signature-v3: <base64>` over `{method}{url}{body}{timestamp}`.
    ///
    /// The key is the client secret. The timestamp stands in `X-HubSpot-Request-Timestamp`, in
    /// milliseconds. The tolerance is five minutes.
    ///
    /// The [`url`](crate::VerifierBuilder::url) is the target URL with the query. By HubSpot's
    /// documentation, some escapes in the URL are decoded before signing. HubSpot's own libraries
    /// decode no escapes. Register a URL without escapes.
    ///
    /// - Repeats: up to ten in 24 hours
    ///   ([webhooks](https://developers.hubspot.com/docs/api/webhooks)).
    /// - Identity: none.
    /// - Safe: `eventId` is not unique.
    /// - Useful: no, the body is a list of up to 100 events, and counts the attempts. Claim each
    ///   event by `eventId`, `subscriptionId` and `occurredAt`.
    HUBSPOT_V3: Confirmed "https://developers.hubspot.com/docs/apps/legacy-apps/authentication/validating-requests" =
        base64("hubspot-v3", "X-HubSpot-Signature-v3")
            .prefix(&[Part::Method, Part::Url])
            .suffix(&[Part::Timestamp])
            .timestamp_header("X-HubSpot-Request-Timestamp", FIVE_MINUTES)
            .timestamp_format(TimestampFormat::Milliseconds);

    /// Zendesk: `X-Zendesk-Webhook-Signature: <base64>` over `{timestamp}{body}`.
    ///
    /// The timestamp stands in `X-Zendesk-Webhook-Signature-Timestamp`. Zendesk sends nothing over
    /// 256 KB. The limit stays at 2 MiB.
    ///
    /// - Repeats: a few, after a timeout and after 409, 429 and 503, by third-party accounts.
    /// - Identity: `X-Zendesk-Webhook-Invocation-Id`.
    /// - Safe: likely unique to the invocation; triggers can have equal bodies.
    /// - Useful: likely, an invocation has several attempts
    ///   ([introduction](https://developer.zendesk.com/api-reference/webhooks/introduction)).
    ZENDESK: ThirdParty "https://developer.zendesk.com/documentation/webhooks/verifying/" =
        base64("zendesk", "X-Zendesk-Webhook-Signature")
            .prefix(&[Part::Timestamp])
            .timestamp_header("X-Zendesk-Webhook-Signature-Timestamp", FIVE_MINUTES)
            .timestamp_format(TimestampFormat::Rfc3339)
            .unauthenticated_delivery_id_header("X-Zendesk-Webhook-Invocation-Id")
            .repeat_policy(RepeatPolicy::new(days(7), Duration::from_secs(10)).known_by(Identity::UNAUTHENTICATED_ID));

    /// Calendly: `Calendly-Webhook-Signature: t=<seconds>,v1=<hex>` over `{timestamp}.{body}`. The
    /// tolerance is three minutes.
    ///
    /// - Repeats: for 24 hours
    ///   ([errors](https://developer.calendly.com/api-docs/overview/webhooks/webhook-errors)).
    /// - Identity: none.
    /// - Safe: the body has the time in microseconds.
    /// - Useful: equal bytes are not promised. Claim the event by `event` and `payload.uri`.
    CALENDLY: ThirdParty "https://developer.calendly.com/api-docs/4c305798a61d3-webhook-signatures" =
        Scheme::new("calendly", "Calendly-Webhook-Signature")
            .tagged(b'=', V1)
            .list(b',')
            .prefix(TIMESTAMP_DOT)
            .timestamp_item("t", Duration::from_secs(180));

    /// Trello: `X-Trello-Webhook: <base64>` over `{body}{url}`, signed with the OAuth 1 secret.
    ///
    /// The [`url`](crate::VerifierBuilder::url) is the registered callback URL. Trello signs only
    /// with SHA-1, and needs [`allow_legacy_sha1`](crate::VerifierBuilder::allow_legacy_sha1).
    ///
    /// - Repeats: three, 30, 60 and 120 seconds later, by third-party accounts.
    /// - Identity: none.
    /// - Safe: the body has the unique `action.id`
    ///   ([webhooks](https://developer.atlassian.com/cloud/trello/guides/rest-api/webhooks/)).
    /// - Useful: doubtful, the body counts failures. Claim the event by `action.id`.
    TRELLO: ThirdParty "https://developer.atlassian.com/cloud/trello/guides/rest-api/webhooks/" =
        base64("trello", "X-Trello-Webhook").bare(Algorithm::Sha1).suffix(&[Part::Url]);

    /// Sanity: `sanity-webhook-signature: t=<milliseconds>,v1=<base64url>` over
    /// `{timestamp}.{body}`.
    ///
    /// - Repeats: two, 30 seconds apart, after 429 and 5xx only
    ///   ([changelog](https://www.sanity.io/docs/changelog/50ec6abf-fe0c-475b-ae72-314148860132)).
    /// - Identity: `idempotency-key`.
    /// - Safe: a unique key; the body is a projection, so equal bodies are common.
    /// - Useful: meant for finding repeats, by a copy of
    ///   [the documentation](https://www.sanity.io/docs/content-lake/webhooks).
    SANITY: Confirmed "https://www.sanity.io/docs/content-lake/webhooks" =
        Scheme::new("sanity", "sanity-webhook-signature")
            .tagged(b'=', V1)
            .list(b',')
            .encoding(Encoding::Base64Url)
            .prefix(TIMESTAMP_DOT)
            .timestamp_item("t", FIVE_MINUTES)
            .timestamp_format(TimestampFormat::Milliseconds)
            .unauthenticated_delivery_id_header("idempotency-key")
            .repeat_policy(RepeatPolicy::new(days(7), Duration::from_secs(25)).known_by(Identity::UNAUTHENTICATED_ID));

    /// WorkOS: `WorkOS-Signature: t=<milliseconds>, v1=<hex>` over `{timestamp}.{body}`. The
    /// tolerance is three minutes.
    ///
    /// - Repeats: for up to three days
    ///   ([events](https://workos.com/docs/webhooks/out-of-sequence-events)).
    /// - Identity: `id` in the body.
    /// - Safe: unique to the event.
    /// - Useful: likely, the same event is sent again.
    WORKOS: Confirmed "https://workos.com/docs/events/data-syncing/webhooks" =
        Scheme::new("workos", "WorkOS-Signature")
            .tagged(b'=', V1)
            .list(b',')
            .prefix(TIMESTAMP_DOT)
            .timestamp_item("t", Duration::from_secs(180))
            .timestamp_format(TimestampFormat::Milliseconds)
            .repeat_policy(repeats(Identity::member("id")));
}
