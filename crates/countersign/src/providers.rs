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
//! Add a row below and vectors in `tests/vectors.json`. If no vectors are published, add a row in
//! `tests/computed.py`. Nothing else changes. A complete row of a provider with signatures over
//! `{timestamp}.{body}`:
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

/// Repeats with the default times of a guard: marks are kept for seven days, longer than the windows
/// of repeats below. A lease of 30 seconds is shorter than the last gap between their repeats.
const fn repeats(identity: Identity) -> RepeatPolicy {
    RepeatPolicy::new(identity, DAY.saturating_mul(7), Duration::from_secs(30))
}

/// One signature in base64.
const fn base64(name: &'static str, header: &'static str) -> Scheme {
    Scheme::new(name, header).encoding(Encoding::Base64)
}

/// A scheme of the [Standard Webhooks] specification: headers of id, timestamp and signature, and a
/// key in base64 behind `whsec_`. A repeat has the same signed id. Repeats end after about 28 hours.
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
    /// - Repeats: up to five, each up to 15 minutes after the last, with the same
    ///   `X-Atlassian-Webhook-Identifier`. Equal bytes are not promised, so the identity is the body or
    ///   the identifier ([retry policy](https://developer.atlassian.com/cloud/jira/platform/webhooks/#retry-policy)).
    JIRA: Confirmed "https://developer.atlassian.com/cloud/jira/platform/webhooks/#secure-admin-webhooks" =
        Scheme::method_signature("jira", "X-Hub-Signature")
            .unauthenticated_delivery_id_header("X-Atlassian-Webhook-Identifier")
            .body_limit(MB_25)
            .repeat_policy(repeats(Identity::BODY_AND_UNAUTHENTICATED_ID));

    /// Jira Data Center: `X-Hub-Signature: sha256=<hex>`.
    JIRA_DATA_CENTER: Documentation "https://confluence.atlassian.com/adminjiraserver/managing-webhooks-938846912.html" =
        Scheme::method_signature("jira-data-center", "X-Hub-Signature");

    /// Bitbucket Cloud: `X-Hub-Signature: sha256=<hex>`. Bitbucket sends nothing over 256 KB. The
    /// limit stays at 2 MiB.
    BITBUCKET: Confirmed "https://support.atlassian.com/bitbucket-cloud/docs/manage-webhooks/" =
        Scheme::method_signature("bitbucket", "X-Hub-Signature")
            .unauthenticated_delivery_id_header("X-Request-UUID")
            .unauthenticated_event_header("X-Event-Key");

    /// Bitbucket Data Center: `X-Hub-Signature: sha256=<hex>`.
    BITBUCKET_DATA_CENTER: Documentation "https://confluence.atlassian.com/bitbucketserver/event-payload-938025882.html" =
        Scheme::method_signature("bitbucket-data-center", "X-Hub-Signature")
            .unauthenticated_delivery_id_header("X-Request-Id")
            .unauthenticated_event_header("X-Event-Key");

    /// Confluence Data Center: `X-Hub-Signature: sha256=<hex>`.
    CONFLUENCE_DATA_CENTER: Documentation "https://confluence.atlassian.com/conf91/managing-webhooks-1442848789.html" =
        Scheme::method_signature("confluence-data-center", "X-Hub-Signature");

    /// A WebSub hub (§7): `X-Hub-Signature: <method>=<hex>` with SHA-256, SHA-384 or SHA-512.
    ///
    /// The secret has fewer than 200 bytes. A hub with SHA-1 signatures, such as a hub of
    /// PubSubHubbub 0.4, needs [`allow_legacy_sha1`](crate::VerifierBuilder::allow_legacy_sha1).
    WEBSUB: SourceCode "https://www.w3.org/TR/websub/#signing-content" =
        Scheme::method_signature("websub", "X-Hub-Signature")
            .default_algorithms(&[Algorithm::Sha256, Algorithm::Sha384, Algorithm::Sha512])
            .key_lengths(1, 199);

    /// GitHub: `X-Hub-Signature-256: sha256=<hex>`. The limit is 25 MiB: GitHub sends up to 25 MB.
    ///
    /// GitHub also sends a SHA-1 signature in `X-Hub-Signature`. This row ignores that header.
    ///
    /// GitHub repeats no delivery by itself. A redelivery by hand has the same body and event
    /// ([redelivering](https://docs.github.com/en/webhooks/testing-and-troubleshooting-webhooks/redelivering-webhooks)).
    GITHUB: Confirmed "https://docs.github.com/en/webhooks/using-webhooks/validating-webhook-deliveries" =
        Scheme::new("github", "X-Hub-Signature-256")
            .tagged(b'=', SHA256)
            .unauthenticated_delivery_id_header("X-GitHub-Delivery")
            .unauthenticated_event_header("X-GitHub-Event")
            .also_sends(&["X-Hub-Signature"])
            .body_limit(MB_25)
            .repeat_policy(repeats(Identity::BODY_AND_EVENT).never());

    /// Gitea: `X-Gitea-Signature: <hex>`.
    ///
    /// Set the webhook's content type to `application/json` and the method to `POST`. Otherwise the
    /// signed bytes differ from the sent bytes. A webhook without a secret sends an empty header.
    /// Such a delivery is rejected as [`MissingSignature`](crate::RejectionKind::MissingSignature).
    GITEA: SourceCode "https://docs.gitea.com/usage/webhooks" =
        Scheme::new("gitea", "X-Gitea-Signature")
            .unauthenticated_delivery_id_header("X-Gitea-Delivery")
            .unauthenticated_event_header("X-Gitea-Event")
            .also_sends(&["X-Gogs-Signature", "X-Hub-Signature", "X-Hub-Signature-256"]);

    /// Forgejo: `X-Forgejo-Signature: <hex>`. The notes on [`GITEA`] apply here too.
    FORGEJO: SourceCode "https://forgejo.org/docs/latest/user/webhooks/" =
        Scheme::new("forgejo", "X-Forgejo-Signature")
            .unauthenticated_delivery_id_header("X-Forgejo-Delivery")
            .unauthenticated_event_header("X-Forgejo-Event")
            .also_sends(&["X-Gitea-Signature", "X-Gogs-Signature", "X-Hub-Signature", "X-Hub-Signature-256"]);

    /// Meta (Facebook, Instagram, Messenger, WhatsApp): `X-Hub-Signature-256: sha256=<hex>`, signed
    /// with the app secret.
    META: ThirdParty "https://developers.facebook.com/docs/graph-api/webhooks/getting-started" =
        Scheme::new("meta", "X-Hub-Signature-256").tagged(b'=', SHA256).also_sends(&["X-Hub-Signature"]);

    /// Shopify: `X-Shopify-Hmac-Sha256: <base64>`, signed with the app's client secret.
    ///
    /// The newer deliveries of Shopify's events name the header without the `X-`. This row does not
    /// accept such deliveries.
    ///
    /// Repeats: eight in four hours, with the original body. Topics share bodies, so the identity holds
    /// the topic ([retries](https://shopify.dev/docs/apps/build/webhooks/troubleshooting-webhooks)).
    SHOPIFY: Confirmed "https://shopify.dev/docs/apps/build/webhooks/verify-deliveries" =
        base64("shopify", "X-Shopify-Hmac-Sha256")
            .unauthenticated_delivery_id_header("X-Shopify-Webhook-Id")
            .unauthenticated_event_header("X-Shopify-Topic")
            .repeat_policy(repeats(Identity::BODY_AND_EVENT));

    /// Linear: `Linear-Signature: <hex>`.
    ///
    /// The timestamp stands in the body. The copy in a header is not signed. Check the timestamp in
    /// the body: Linear's own library allows a minute.
    ///
    /// Repeats: three, up to six hours later, with the same `Linear-Delivery`. The body has the time of the
    /// attempt ([webhooks](https://linear.app/developers/webhooks)).
    LINEAR: SourceCode "https://linear.app/developers/webhooks" =
        Scheme::new("linear", "Linear-Signature")
            .unauthenticated_delivery_id_header("Linear-Delivery")
            .unauthenticated_event_header("Linear-Event")
            .repeat_policy(repeats(Identity::UNAUTHENTICATED_ID));

    /// Notion: `X-Notion-Signature: sha256=<hex>`, signed with the verification token.
    NOTION: Confirmed "https://developers.notion.com/reference/webhooks" =
        Scheme::new("notion", "X-Notion-Signature").tagged(b'=', SHA256);

    /// Dropbox: `X-Dropbox-Signature: <hex>`, signed with the app secret.
    DROPBOX: ThirdParty "https://www.dropbox.com/developers/reference/webhooks" = Scheme::new("dropbox", "X-Dropbox-Signature");

    /// Lemon Squeezy: `X-Signature: <hex>`.
    LEMON_SQUEEZY: ThirdParty "https://docs.lemonsqueezy.com/help/webhooks/signing-requests" =
        Scheme::new("lemon-squeezy", "X-Signature").unauthenticated_event_header("X-Event-Name");

    /// Intercom: `X-Hub-Signature: sha1=<hex>`, signed with the client secret. Intercom signs only
    /// with SHA-1, and needs [`allow_legacy_sha1`](crate::VerifierBuilder::allow_legacy_sha1).
    INTERCOM: ThirdParty "https://developers.intercom.com/docs/references/webhooks/webhook-models" =
        Scheme::new("intercom", "X-Hub-Signature").tagged(b'=', &[("sha1", Algorithm::Sha1)]);

    /// Typeform: `Typeform-Signature: sha256=<base64>`.
    TYPEFORM: ThirdParty "https://www.typeform.com/developers/webhooks/secure-your-webhooks/" =
        base64("typeform", "Typeform-Signature").tagged(b'=', SHA256);

    /// DocuSign Connect: `X-DocuSign-Signature-1: <base64>`, and a header with the next number for
    /// each further key. An account may have many keys. A delivery with more than 16 signatures is
    /// rejected.
    DOCUSIGN: ThirdParty "https://developers.docusign.com/platform/webhooks/connect/validate/" =
        base64("docusign", "X-DocuSign-Signature-").numbered_headers("X-DocuSign-Signature-");

    /// Asana: `X-Hook-Signature: <hex>`, signed with the secret from Asana's handshake.
    ASANA: SourceCode "https://developers.asana.com/docs/webhooks-guide" = Scheme::new("asana", "X-Hook-Signature");

    /// PagerDuty v3: `X-PagerDuty-Signature: v1=<hex>,v1=<hex>`, a signature for each secret.
    PAGERDUTY: Confirmed "https://developer.pagerduty.com/docs/webhooks/webhook-signatures/" =
        Scheme::new("pagerduty", "X-PagerDuty-Signature").tagged(b'=', V1).list(b',');

    /// Sentry: `Sentry-Hook-Signature: <hex>`, signed with the client secret. The timestamp in a
    /// header is not signed.
    SENTRY: ThirdParty "https://docs.sentry.io/organization/integrations/integration-platform/webhooks/" =
        Scheme::new("sentry", "Sentry-Hook-Signature")
            .unauthenticated_delivery_id_header("Request-ID")
            .unauthenticated_event_header("Sentry-Hook-Resource");

    /// Vercel: `x-vercel-signature: <hex>`. Vercel signs only with SHA-1, and needs
    /// [`allow_legacy_sha1`](crate::VerifierBuilder::allow_legacy_sha1).
    VERCEL: ThirdParty "https://vercel.com/docs/webhooks" = Scheme::new("vercel", "x-vercel-signature").bare(Algorithm::Sha1);

    /// Heroku: `Heroku-Webhook-Hmac-SHA256: <base64>`.
    HEROKU: ThirdParty "https://devcenter.heroku.com/articles/app-webhooks#securing-webhook-requests" =
        base64("heroku", "Heroku-Webhook-Hmac-SHA256");

    /// CircleCI: `circleci-signature: v1=<hex>`, a list that may gain later versions. This row
    /// reads only `v1`.
    CIRCLECI: Confirmed "https://circleci.com/docs/guides/integration/outbound-webhooks/" =
        Scheme::new("circleci", "circleci-signature")
            .tagged(b'=', V1)
            .list(b',')
            .unauthenticated_event_header("circleci-event-type");

    /// WooCommerce: `X-WC-Webhook-Signature: <base64>`.
    WOOCOMMERCE: ThirdParty "https://woocommerce.github.io/woocommerce-rest-api-docs/#webhooks" =
        base64("woocommerce", "X-WC-Webhook-Signature")
            .unauthenticated_delivery_id_header("X-WC-Webhook-Delivery-ID")
            .unauthenticated_event_header("X-WC-Webhook-Topic");

    /// Xero: `x-xero-signature: <base64>`. During the setup of a webhook, Xero sends wrong
    /// signatures on purpose and expects the answer 401.
    XERO: ThirdParty "https://developer.xero.com/documentation/guides/webhooks/overview/" = base64("xero", "x-xero-signature");

    /// QuickBooks (Intuit): `intuit-signature: <base64>`, signed with the verifier token.
    QUICKBOOKS: ThirdParty "https://developer.intuit.com/app/developer/qbo/docs/develop/webhooks" =
        base64("quickbooks", "intuit-signature");

    /// Adyen, webhooks of banking and management: `HmacSignature: <base64>`, with the key in
    /// hexadecimal digits. Webhooks of payments use another scheme, without a row here.
    ///
    /// Repeats: for up to 30 days
    /// ([troubleshoot](https://docs.adyen.com/development-resources/webhooks/troubleshoot)).
    ADYEN: Confirmed "https://docs.adyen.com/development-resources/webhooks/secure-webhooks/verify-hmac-signatures" =
        base64("adyen", "HmacSignature").hex_secret()
            .repeat_policy(RepeatPolicy::new(Identity::BODY, DAY.saturating_mul(31), Duration::from_secs(30)));

    /// Airtable: `X-Airtable-Content-MAC: hmac-sha256=<hex>`, with the key in base64. The delivery
    /// only announces that there is data to fetch.
    AIRTABLE: ThirdParty "https://airtable.com/developers/web/api/webhooks-overview" =
        Scheme::new("airtable", "X-Airtable-Content-MAC").tagged(b'=', &[("hmac-sha256", Algorithm::Sha256)]).base64_secret("");

    /// Coinbase Commerce: `X-CC-Webhook-Signature: <hex>`.
    COINBASE_COMMERCE: Confirmed "https://docs.cdp.coinbase.com/commerce-onchain/docs/webhooks" =
        Scheme::new("coinbase-commerce", "X-CC-Webhook-Signature");

    /// Razorpay: `X-Razorpay-Signature: <hex>`.
    RAZORPAY: Confirmed "https://razorpay.com/docs/webhooks/validate-test/" =
        Scheme::new("razorpay", "X-Razorpay-Signature").unauthenticated_delivery_id_header("X-Razorpay-Event-Id");

    /// GitLab 19.0 and later, webhooks with a signing token: [`STANDARD_WEBHOOKS`] with a key of 32
    /// bytes.
    GITLAB: Documentation "https://gitlab.com/gitlab-org/gitlab/-/merge_requests/230944" =
        standard_webhooks("gitlab", WEBHOOK_HEADERS).key_lengths(32, 32).unauthenticated_event_header("X-Gitlab-Event");

    /// GitLab, webhooks with a secret token: `X-Gitlab-Token` holds the token itself.
    ///
    /// **The token does not cover the body. Anybody with a copy of one delivery can forge others.**
    /// Prefer [`GITLAB`].
    GITLAB_TOKEN: SourceCode "https://docs.gitlab.com/user/project/integrations/webhooks/" =
        Scheme::insecure_static_token("gitlab-token", "X-Gitlab-Token")
            .unauthenticated_delivery_id_header("X-Gitlab-Event-UUID")
            .unauthenticated_event_header("X-Gitlab-Event");

    /// Okta event hooks: the header `Authorization` holds an agreed value.
    ///
    /// **The value does not cover the body. Anybody with a copy of one delivery can forge others.**
    OKTA_TOKEN: ThirdParty "https://developer.okta.com/docs/concepts/event-hooks/" =
        Scheme::insecure_static_token("okta-token", "Authorization");

    /// Stripe: `Stripe-Signature: t=<seconds>,v1=<hex>` over `{timestamp}.{body}`.
    ///
    /// The tolerance is five minutes. The secret is the whole text, including `whsec_`.
    ///
    /// Repeats: for up to three days, with the same `id` in the body
    /// ([retries](https://docs.stripe.com/webhooks#retries)).
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
    /// Repeats: three within five minutes, with the same `event_id` in the body
    /// ([retries](https://docs.slack.dev/apis/events-api/#retries)).
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
    STANDARD_WEBHOOKS: Confirmed "https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md" =
        standard_webhooks("standard-webhooks", WEBHOOK_HEADERS).key_lengths(24, 64);

    /// Svix: [`STANDARD_WEBHOOKS`] in headers with the prefix `svix-`.
    ///
    /// A company that sends through Svix under its own name may use the prefix `webhook-`. Use
    /// [`STANDARD_WEBHOOKS`] for such deliveries.
    SVIX: Confirmed "https://docs.svix.com/receiving/verifying-payloads/how-manual" = standard_webhooks("svix", SVIX_HEADERS);

    /// Clerk sends through [`SVIX`].
    CLERK: ThirdParty "https://clerk.com/docs/guides/development/webhooks/overview" = standard_webhooks("clerk", SVIX_HEADERS);

    /// Resend sends through [`SVIX`].
    RESEND: SourceCode "https://resend.com/docs/webhooks" = standard_webhooks("resend", SVIX_HEADERS);

    /// OpenAI: [`STANDARD_WEBHOOKS`].
    OPENAI: Confirmed "https://platform.openai.com/docs/guides/webhooks" = standard_webhooks("openai", WEBHOOK_HEADERS);

    /// Anthropic, managed agents: [`STANDARD_WEBHOOKS`], as in Anthropic's library. Anthropic's
    /// documentation names another header.
    ANTHROPIC: Conflicting "https://platform.claude.com/docs/en/managed-agents/webhooks" = standard_webhooks("anthropic", WEBHOOK_HEADERS);

    /// Zoom: `x-zm-signature: v0=<hex>` over `v0:{timestamp}:{body}`. The timestamp stands in
    /// `x-zm-request-timestamp`.
    ///
    /// Repeats: three, 5, 20 and 60 minutes later. Zoom documents no id of a delivery
    /// ([delays](https://developers.zoom.us/blog/webhook-delays/)).
    ZOOM: SourceCode "https://developers.zoom.us/docs/api/webhooks/" =
        Scheme::new("zoom", "x-zm-signature")
            .tagged(b'=', V0)
            .prefix(V0_TIMESTAMP)
            .timestamp_header("x-zm-request-timestamp", FIVE_MINUTES)
            .repeat_policy(repeats(Identity::BODY));

    /// Twitch EventSub: `Twitch-Eventsub-Message-Signature: sha256=<hex>` over
    /// `{id}{timestamp}{body}`.
    ///
    /// The tolerance is ten minutes. The secret has 10 to 100 characters.
    ///
    /// Repeats have the same signed id
    /// ([EventSub](https://dev.twitch.tv/docs/eventsub/handling-webhook-events/)).
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
    /// - `BOX-DELIVERY-ID` changes whenever Box repeats a delivery.
    /// - `BOX-SIGNATURE-VERSION` and `BOX-SIGNATURE-ALGORITHM` are ignored. This row is version 1,
    ///   and Box has a single algorithm.
    BOX: Confirmed "https://developer.box.com/guides/webhooks/v2/signatures-v2" =
        base64("box", "BOX-SIGNATURE-PRIMARY")
            .any_of_headers(&["BOX-SIGNATURE-PRIMARY", "BOX-SIGNATURE-SECONDARY"])
            .suffix(&[Part::Timestamp])
            .timestamp_header("BOX-DELIVERY-TIMESTAMP", Duration::from_secs(600))
            .timestamp_format(TimestampFormat::Rfc3339)
            .unauthenticated_delivery_id_header("BOX-DELIVERY-ID");

    /// Square: `x-square-hmacsha256-signature: <base64>` over `{url}{body}`. The
    /// [`url`](crate::VerifierBuilder::url) is the registered notification URL.
    ///
    /// Repeats: for up to 24 hours, with the same `event_id` in the body
    /// ([troubleshooting](https://developer.squareup.com/docs/webhooks/troubleshooting)).
    SQUARE: Confirmed "https://developer.squareup.com/docs/webhooks/step3validate" =
        base64("square", "x-square-hmacsha256-signature").prefix(&[Part::Url])
            .repeat_policy(repeats(Identity::member("event_id")));

    /// Paddle Billing: `Paddle-Signature: ts=<seconds>;h1=<hex>` over `{timestamp}:{body}`.
    ///
    /// The tolerance is five seconds, as in Paddle's own library. A receiver with a clock error of
    /// more than five seconds loses deliveries.
    PADDLE: Confirmed "https://developer.paddle.com/webhooks/signature-verification" =
        Scheme::new("paddle", "Paddle-Signature")
            .tagged(b'=', &[("h1", Algorithm::Sha256)])
            .list(b';')
            .prefix(&[Part::Timestamp, Part::Literal(":")])
            .timestamp_item("ts", Duration::from_secs(5));

    /// HubSpot v3: `X-HubSpot-Signature-v3: <base64>` over `{method}{url}{body}{timestamp}`.
    ///
    /// The key is the client secret. The timestamp stands in `X-HubSpot-Request-Timestamp`, in
    /// milliseconds. The tolerance is five minutes.
    ///
    /// The [`url`](crate::VerifierBuilder::url) is the target URL with the query. By HubSpot's
    /// documentation, some escapes in the URL are decoded before signing. HubSpot's own libraries
    /// decode no escapes. Register a URL without escapes.
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
    ZENDESK: ThirdParty "https://developer.zendesk.com/documentation/webhooks/verifying/" =
        base64("zendesk", "X-Zendesk-Webhook-Signature")
            .prefix(&[Part::Timestamp])
            .timestamp_header("X-Zendesk-Webhook-Signature-Timestamp", FIVE_MINUTES)
            .timestamp_format(TimestampFormat::Rfc3339)
            .unauthenticated_delivery_id_header("X-Zendesk-Webhook-Invocation-Id");

    /// Calendly: `Calendly-Webhook-Signature: t=<seconds>,v1=<hex>` over `{timestamp}.{body}`. The
    /// tolerance is three minutes.
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
    TRELLO: ThirdParty "https://developer.atlassian.com/cloud/trello/guides/rest-api/webhooks/" =
        base64("trello", "X-Trello-Webhook").bare(Algorithm::Sha1).suffix(&[Part::Url]);

    /// Sanity: `sanity-webhook-signature: t=<milliseconds>,v1=<base64url>` over
    /// `{timestamp}.{body}`.
    ///
    /// Repeats: two, 30 seconds apart, with the same `idempotency-key`
    /// ([changelog](https://www.sanity.io/docs/changelog)).
    SANITY: Confirmed "https://www.sanity.io/docs/content-lake/webhooks" =
        Scheme::new("sanity", "sanity-webhook-signature")
            .tagged(b'=', V1)
            .list(b',')
            .encoding(Encoding::Base64Url)
            .prefix(TIMESTAMP_DOT)
            .timestamp_item("t", FIVE_MINUTES)
            .timestamp_format(TimestampFormat::Milliseconds)
            .unauthenticated_delivery_id_header("idempotency-key")
            .repeat_policy(RepeatPolicy::new(Identity::UNAUTHENTICATED_ID, DAY.saturating_mul(7), Duration::from_secs(25)));

    /// WorkOS: `WorkOS-Signature: t=<milliseconds>, v1=<hex>` over `{timestamp}.{body}`. The
    /// tolerance is three minutes.
    WORKOS: Confirmed "https://workos.com/docs/events/data-syncing/webhooks" =
        Scheme::new("workos", "WorkOS-Signature")
            .tagged(b'=', V1)
            .list(b',')
            .prefix(TIMESTAMP_DOT)
            .timestamp_item("t", Duration::from_secs(180))
            .timestamp_format(TimestampFormat::Milliseconds);
}
