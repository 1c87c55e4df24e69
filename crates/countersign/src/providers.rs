//! The providers whose scheme is known, one constant each; [`ALL`] lists them.
//!
//! Choose by the provider, never by the header: `X-Hub-Signature` carries SHA-256 from one sender and SHA-1 from another, and a secret that
//! begins with `whsec_` is text to Stripe and base64 to others.
//!
//! # On what a row rests
//! Each says so, and [`Scheme::evidence`] repeats it. *Confirmed* means that a value which the provider publishes, in its documentation or
//! in the tests of its own libraries, is verified by this project's tests. All other rows rest on what the provider's documentation or code
//! says, or on what others say of it, as read in November 2026: try them with a real delivery before you rely on them.
//!
//! Where a provider names no largest body, the limit is 2 MiB. Where it names no tolerance for a timestamp, it is five minutes;
//! [`VerifierBuilder::tolerance`](crate::VerifierBuilder::tolerance) sets another.
//!
//! # Who is not here, and why
//!
//! | provider | why |
//! |---|---|
//! | Adyen payments | signs chosen fields of the parsed body, and the signature stands in the body |
//! | Contentful | signs a list of headers that each request names |
//! | Discord, SendGrid | public-key signatures (Ed25519, ECDSA) |
//! | Figma | a passcode in the body |
//! | HubSpot v1 and v2 | a plain hash of secret and body, no MAC: use [`HUBSPOT_V3`] |
//! | Jira and Confluence apps (Connect, OAuth 2.0) | a JWT that does not cover the body |
//! | Mailgun | the signature stands in the body, and covers a timestamp and a token but not the rest |
//! | monday.com | a JWT that does not cover the body |
//! | PayPal | RSA with a certificate that has to be fetched |
//! | Plaid | a JWT, signed with a key that has to be fetched, that holds a hash of the body |
//! | Twilio | signs the sorted parameters of a parsed form |
//!
//! # Adding one
//! A row below, and its vectors in `tests/vectors.json` (or `tests/computed.py`, where nobody has published any); nothing else changes.
//! The whole of a provider that signs `{timestamp}.{body}`:
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
use crate::scheme::Scheme;
use crate::scheme::encoding::Encoding;
use crate::scheme::evidence::Evidence;
use crate::scheme::part::Part;
use crate::scheme::timestamp::{FIVE_MINUTES, TimestampFormat};

/// What is called 25 MB, taken as MiB: the reading that loses no delivery.
const MB_25: usize = 25 * 1024 * 1024;

const SHA256: &[(&str, Algorithm)] = &[("sha256", Algorithm::Sha256)];
const V0: &[(&str, Algorithm)] = &[("v0", Algorithm::Sha256)];
const V1: &[(&str, Algorithm)] = &[("v1", Algorithm::Sha256)];

/// `{timestamp}.{body}`.
const TIMESTAMP_DOT: &[Part] = &[Part::Timestamp, Part::Literal(".")];

/// `v0:{timestamp}:{body}`.
const V0_TIMESTAMP: &[Part] = &[Part::Literal("v0:"), Part::Timestamp, Part::Literal(":")];

/// One tag in base64.
const fn base64(name: &'static str, header: &'static str) -> Scheme {
    Scheme::new(name, header).encoding(Encoding::Base64)
}

/// The [Standard Webhooks](https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md) specification: the
/// headers of id, timestamp and signature, the key in base64 behind `whsec_`.
const fn standard_webhooks(name: &'static str, [id, timestamp, signature]: [&'static str; 3]) -> Scheme {
    Scheme::new(name, signature)
        .tagged(b',', V1)
        .list(b' ')
        .encoding(Encoding::Base64)
        .prefix(&[Part::Id, Part::Literal("."), Part::Timestamp, Part::Literal(".")])
        .id_header(id)
        .timestamp_header(timestamp, FIVE_MINUTES)
        .base64_secret("whsec_")
}

const WEBHOOK_HEADERS: [&str; 3] = ["webhook-id", "webhook-timestamp", "webhook-signature"];
const SVIX_HEADERS: [&str; 3] = ["svix-id", "svix-timestamp", "svix-signature"];

macro_rules! evidence {
    (Confirmed) => {
        "Confirmed"
    };
    (SourceCode) => {
        "By its source code or specification, not confirmed"
    };
    (Documentation) => {
        "By its documentation, not confirmed"
    };
    (ThirdParty) => {
        "By third-party accounts, not confirmed"
    };
    (Conflicting) => {
        "Sources contradict each other"
    };
}

/// Makes a constant of each row, and a list of them all.
macro_rules! providers {
    ($($(#[$doc:meta])+ $name:ident: $evidence:ident $url:literal = $scheme:expr;)+) => {
        $(
            $(#[$doc])+
            ///
            #[doc = concat!(evidence!($evidence), ": [documentation](", $url, ").")]
            pub const $name: Scheme = $scheme.documented(Evidence::$evidence, $url);
        )+

        /// All of them.
        pub const ALL: &[Scheme] = &[$($name),+];
    };
}

providers! {
    /// Jira Cloud, webhooks that an administrator registers with a secret: `X-Hub-Signature: sha256=<hex>`.
    ///
    /// - Atlassian announces that another method may follow one day. Then deliveries are rejected as
    ///   [`AlgorithmNotAllowed`](crate::RejectionKind::AlgorithmNotAllowed) until [`algorithms`](crate::VerifierBuilder::algorithms) lists it
    ///   beside SHA-256.
    /// - Webhooks of Connect and OAuth 2.0 apps are not signed this way: they carry a JWT that does not cover the body.
    /// - The limit is 25 MiB: by third-party accounts, Jira sends up to 25 MB and drops what is larger.
    JIRA: Confirmed "https://developer.atlassian.com/cloud/jira/platform/webhooks/#secure-admin-webhooks" =
        Scheme::method_signature("jira", "X-Hub-Signature")
            .unauthenticated_delivery_id_header("X-Atlassian-Webhook-Identifier")
            .body_limit(MB_25);

    /// Jira Data Center: `X-Hub-Signature: sha256=<hex>`.
    JIRA_DATA_CENTER: Documentation "https://confluence.atlassian.com/adminjiraserver/managing-webhooks-938846912.html" =
        Scheme::method_signature("jira-data-center", "X-Hub-Signature");

    /// Bitbucket Cloud: `X-Hub-Signature: sha256=<hex>`. It sends nothing over 256 KB; the limit stays at 2 MiB.
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

    /// A WebSub hub (§7): `X-Hub-Signature: <method>=<hex>` with SHA-256, SHA-384 or SHA-512. The secret has less than 200 bytes.
    ///
    /// A hub that signs with SHA-1, such as one of PubSubHubbub 0.4, needs
    /// [`allow_legacy_sha1`](crate::VerifierBuilder::allow_legacy_sha1).
    WEBSUB: SourceCode "https://www.w3.org/TR/websub/#signing-content" =
        Scheme::method_signature("websub", "X-Hub-Signature")
            .default_algorithms(&[Algorithm::Sha256, Algorithm::Sha384, Algorithm::Sha512])
            .key_lengths(1, 199);

    /// GitHub: `X-Hub-Signature-256: sha256=<hex>`. The limit is 25 MiB, as GitHub sends up to 25 MB.
    ///
    /// The SHA-1 that GitHub still sends beside it in `X-Hub-Signature` is not looked at.
    GITHUB: Confirmed "https://docs.github.com/en/webhooks/using-webhooks/validating-webhook-deliveries" =
        Scheme::new("github", "X-Hub-Signature-256")
            .tagged(b'=', SHA256)
            .unauthenticated_delivery_id_header("X-GitHub-Delivery")
            .unauthenticated_event_header("X-GitHub-Event")
            .also_sends(&["X-Hub-Signature"])
            .body_limit(MB_25);

    /// Gitea: `X-Gitea-Signature: <hex>`.
    ///
    /// Set the webhook's content type to `application/json` and its method to `POST`: otherwise Gitea signs something else than what it
    /// sends. A webhook without a secret comes with an empty header, which is rejected as
    /// [`MissingSignature`](crate::RejectionKind::MissingSignature).
    GITEA: SourceCode "https://docs.gitea.com/usage/webhooks" =
        Scheme::new("gitea", "X-Gitea-Signature")
            .unauthenticated_delivery_id_header("X-Gitea-Delivery")
            .unauthenticated_event_header("X-Gitea-Event")
            .also_sends(&["X-Gogs-Signature", "X-Hub-Signature", "X-Hub-Signature-256"]);

    /// Forgejo: `X-Forgejo-Signature: <hex>`. What [`GITEA`] says holds here too.
    FORGEJO: SourceCode "https://forgejo.org/docs/latest/user/webhooks/" =
        Scheme::new("forgejo", "X-Forgejo-Signature")
            .unauthenticated_delivery_id_header("X-Forgejo-Delivery")
            .unauthenticated_event_header("X-Forgejo-Event")
            .also_sends(&["X-Gitea-Signature", "X-Gogs-Signature", "X-Hub-Signature", "X-Hub-Signature-256"]);

    /// Meta (Facebook, Instagram, Messenger, WhatsApp): `X-Hub-Signature-256: sha256=<hex>`, signed with the app secret.
    META: ThirdParty "https://developers.facebook.com/docs/graph-api/webhooks/getting-started" =
        Scheme::new("meta", "X-Hub-Signature-256").tagged(b'=', SHA256).also_sends(&["X-Hub-Signature"]);

    /// Shopify: `X-Shopify-Hmac-Sha256: <base64>`, signed with the app's client secret. The newer deliveries of its events, which name the
    /// header without the `X-`, are not known here.
    SHOPIFY: Confirmed "https://shopify.dev/docs/apps/build/webhooks/verify-deliveries" =
        base64("shopify", "X-Shopify-Hmac-Sha256")
            .unauthenticated_delivery_id_header("X-Shopify-Webhook-Id")
            .unauthenticated_event_header("X-Shopify-Topic");

    /// Linear: `Linear-Signature: <hex>`. Its timestamp stands in the body, and the copy in a header is not signed: judge the one in the
    /// body, for which Linear's own library allows a minute.
    LINEAR: SourceCode "https://linear.app/developers/webhooks" =
        Scheme::new("linear", "Linear-Signature")
            .unauthenticated_delivery_id_header("Linear-Delivery")
            .unauthenticated_event_header("Linear-Event");

    /// Notion: `X-Notion-Signature: sha256=<hex>`, signed with the verification token.
    NOTION: Confirmed "https://developers.notion.com/reference/webhooks" =
        Scheme::new("notion", "X-Notion-Signature").tagged(b'=', SHA256);

    /// Dropbox: `X-Dropbox-Signature: <hex>`, signed with the app secret.
    DROPBOX: ThirdParty "https://www.dropbox.com/developers/reference/webhooks" = Scheme::new("dropbox", "X-Dropbox-Signature");

    /// Lemon Squeezy: `X-Signature: <hex>`.
    LEMON_SQUEEZY: ThirdParty "https://docs.lemonsqueezy.com/help/webhooks/signing-requests" =
        Scheme::new("lemon-squeezy", "X-Signature").unauthenticated_event_header("X-Event-Name");

    /// Intercom: `X-Hub-Signature: sha1=<hex>`, signed with the client secret. It has nothing but SHA-1, and needs
    /// [`allow_legacy_sha1`](crate::VerifierBuilder::allow_legacy_sha1).
    INTERCOM: ThirdParty "https://developers.intercom.com/docs/references/webhooks/webhook-models" =
        Scheme::new("intercom", "X-Hub-Signature").tagged(b'=', &[("sha1", Algorithm::Sha1)]);

    /// Typeform: `Typeform-Signature: sha256=<base64>`.
    TYPEFORM: ThirdParty "https://www.typeform.com/developers/webhooks/secure-your-webhooks/" =
        base64("typeform", "Typeform-Signature").tagged(b'=', SHA256);

    /// DocuSign Connect: `X-DocuSign-Signature-1: <base64>`, and a header with the next number for each further key, of which the account
    /// may have many: over 16 are rejected.
    DOCUSIGN: ThirdParty "https://developers.docusign.com/platform/webhooks/connect/validate/" =
        base64("docusign", "X-DocuSign-Signature-").numbered_headers("X-DocuSign-Signature-");

    /// Asana: `X-Hook-Signature: <hex>`, signed with the secret that Asana hands over in the handshake.
    ASANA: SourceCode "https://developers.asana.com/docs/webhooks-guide" = Scheme::new("asana", "X-Hook-Signature");

    /// PagerDuty v3: `X-PagerDuty-Signature: v1=<hex>,v1=<hex>`, one for each secret.
    PAGERDUTY: Confirmed "https://developer.pagerduty.com/docs/webhooks/webhook-signatures/" =
        Scheme::new("pagerduty", "X-PagerDuty-Signature").tagged(b'=', V1).list(b',');

    /// Sentry: `Sentry-Hook-Signature: <hex>`, signed with the client secret. The timestamp in a header is not signed.
    SENTRY: ThirdParty "https://docs.sentry.io/organization/integrations/integration-platform/webhooks/" =
        Scheme::new("sentry", "Sentry-Hook-Signature")
            .unauthenticated_delivery_id_header("Request-ID")
            .unauthenticated_event_header("Sentry-Hook-Resource");

    /// Vercel: `x-vercel-signature: <hex>`. It has nothing but SHA-1, and needs
    /// [`allow_legacy_sha1`](crate::VerifierBuilder::allow_legacy_sha1).
    VERCEL: ThirdParty "https://vercel.com/docs/webhooks" = Scheme::new("vercel", "x-vercel-signature").bare(Algorithm::Sha1);

    /// Heroku: `Heroku-Webhook-Hmac-SHA256: <base64>`.
    HEROKU: ThirdParty "https://devcenter.heroku.com/articles/app-webhooks#securing-webhook-requests" =
        base64("heroku", "Heroku-Webhook-Hmac-SHA256");

    /// CircleCI: `circleci-signature: v1=<hex>`, a list in which versions may follow. Only `v1` is looked at.
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

    /// Xero: `x-xero-signature: <base64>`. When a webhook is set up, Xero sends wrong signatures on purpose and wants to see the 401.
    XERO: ThirdParty "https://developer.xero.com/documentation/guides/webhooks/overview/" = base64("xero", "x-xero-signature");

    /// QuickBooks (Intuit): `intuit-signature: <base64>`, signed with the verifier token.
    QUICKBOOKS: ThirdParty "https://developer.intuit.com/app/developer/qbo/docs/develop/webhooks" =
        base64("quickbooks", "intuit-signature");

    /// Adyen, webhooks of banking and management: `HmacSignature: <base64>`, with the key in hexadecimal digits. Those of payments are
    /// another scheme, and not here.
    ADYEN: Confirmed "https://docs.adyen.com/development-resources/webhooks/secure-webhooks/verify-hmac-signatures" =
        base64("adyen", "HmacSignature").hex_secret();

    /// Airtable: `X-Airtable-Content-MAC: hmac-sha256=<hex>`, with the key in base64. The delivery only tells that there is something to
    /// fetch.
    AIRTABLE: ThirdParty "https://airtable.com/developers/web/api/webhooks-overview" =
        Scheme::new("airtable", "X-Airtable-Content-MAC").tagged(b'=', &[("hmac-sha256", Algorithm::Sha256)]).base64_secret("");

    /// Coinbase Commerce: `X-CC-Webhook-Signature: <hex>`.
    COINBASE_COMMERCE: Confirmed "https://docs.cdp.coinbase.com/commerce-onchain/docs/webhooks" =
        Scheme::new("coinbase-commerce", "X-CC-Webhook-Signature");

    /// Razorpay: `X-Razorpay-Signature: <hex>`.
    RAZORPAY: Confirmed "https://razorpay.com/docs/webhooks/validate-test/" =
        Scheme::new("razorpay", "X-Razorpay-Signature").unauthenticated_delivery_id_header("X-Razorpay-Event-Id");

    /// GitLab from 19.0 on, webhooks with a signing token: [`STANDARD_WEBHOOKS`] with a key of 32 bytes.
    GITLAB: Documentation "https://gitlab.com/gitlab-org/gitlab/-/merge_requests/230944" =
        standard_webhooks("gitlab", WEBHOOK_HEADERS).key_lengths(32, 32).unauthenticated_event_header("X-Gitlab-Event");

    /// GitLab, webhooks with a secret token: `X-Gitlab-Token` holds the token itself.
    ///
    /// **It does not cover the body, and who sees one delivery can make others.** Use [`GITLAB`] where you can.
    GITLAB_TOKEN: SourceCode "https://docs.gitlab.com/user/project/integrations/webhooks/" =
        Scheme::insecure_static_token("gitlab-token", "X-Gitlab-Token")
            .unauthenticated_delivery_id_header("X-Gitlab-Event-UUID")
            .unauthenticated_event_header("X-Gitlab-Event");

    /// Okta event hooks: the header `Authorization` holds a value that was agreed on.
    ///
    /// **It does not cover the body, and who sees one delivery can make others.**
    OKTA_TOKEN: ThirdParty "https://developer.okta.com/docs/concepts/event-hooks/" =
        Scheme::insecure_static_token("okta-token", "Authorization");

    /// Stripe: `Stripe-Signature: t=<seconds>,v1=<hex>` over `{timestamp}.{body}`, five minutes of tolerance. The secret is the whole text,
    /// `whsec_` included.
    STRIPE: Confirmed "https://docs.stripe.com/webhooks/signature" =
        Scheme::new("stripe", "Stripe-Signature")
            .tagged(b'=', V1)
            .list(b',')
            .prefix(TIMESTAMP_DOT)
            .timestamp_item("t", FIVE_MINUTES);

    /// Slack: `X-Slack-Signature: v0=<hex>` over `v0:{timestamp}:{body}`, with the timestamp in `X-Slack-Request-Timestamp` and five
    /// minutes of tolerance.
    SLACK: Confirmed "https://docs.slack.dev/authentication/verifying-requests-from-slack/" =
        Scheme::new("slack", "X-Slack-Signature")
            .tagged(b'=', V0)
            .prefix(V0_TIMESTAMP)
            .timestamp_header("X-Slack-Request-Timestamp", FIVE_MINUTES);

    /// Standard Webhooks: `webhook-signature: v1,<base64> v1,<base64>` over `{id}.{timestamp}.{body}`, with `webhook-id` and
    /// `webhook-timestamp`. The key has 24 to 64 bytes, in base64 behind `whsec_`. The specification gives no tolerance.
    STANDARD_WEBHOOKS: Confirmed "https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md" =
        standard_webhooks("standard-webhooks", WEBHOOK_HEADERS).key_lengths(24, 64);

    /// Svix: [`STANDARD_WEBHOOKS`] in headers that begin with `svix-`. Who sends through it under their own name may use those that begin
    /// with `webhook-`: take [`STANDARD_WEBHOOKS`] then.
    SVIX: Confirmed "https://docs.svix.com/receiving/verifying-payloads/how-manual" = standard_webhooks("svix", SVIX_HEADERS);

    /// Clerk, which sends through [`SVIX`].
    CLERK: ThirdParty "https://clerk.com/docs/guides/development/webhooks/overview" = standard_webhooks("clerk", SVIX_HEADERS);

    /// Resend, which sends through [`SVIX`].
    RESEND: SourceCode "https://resend.com/docs/webhooks" = standard_webhooks("resend", SVIX_HEADERS);

    /// OpenAI: [`STANDARD_WEBHOOKS`].
    OPENAI: Confirmed "https://platform.openai.com/docs/guides/webhooks" = standard_webhooks("openai", WEBHOOK_HEADERS);

    /// Anthropic, managed agents: [`STANDARD_WEBHOOKS`], as its library verifies. Its documentation speaks of another header.
    ANTHROPIC: Conflicting "https://platform.claude.com/docs/en/managed-agents/webhooks" = standard_webhooks("anthropic", WEBHOOK_HEADERS);

    /// Zoom: `x-zm-signature: v0=<hex>` over `v0:{timestamp}:{body}`, with the timestamp in `x-zm-request-timestamp`.
    ZOOM: SourceCode "https://developers.zoom.us/docs/api/webhooks/" =
        Scheme::new("zoom", "x-zm-signature")
            .tagged(b'=', V0)
            .prefix(V0_TIMESTAMP)
            .timestamp_header("x-zm-request-timestamp", FIVE_MINUTES);

    /// Twitch EventSub: `Twitch-Eventsub-Message-Signature: sha256=<hex>` over `{id}{timestamp}{body}`, ten minutes of tolerance. The secret
    /// has 10 to 100 characters.
    TWITCH: ThirdParty "https://dev.twitch.tv/docs/eventsub/handling-webhook-events/" =
        Scheme::new("twitch", "Twitch-Eventsub-Message-Signature")
            .tagged(b'=', SHA256)
            .prefix(&[Part::Id, Part::Timestamp])
            .id_header("Twitch-Eventsub-Message-Id")
            .timestamp_header("Twitch-Eventsub-Message-Timestamp", Duration::from_secs(600))
            .timestamp_format(TimestampFormat::Rfc3339)
            .unauthenticated_event_header("Twitch-Eventsub-Subscription-Type")
            .key_lengths(10, 100);

    /// Box: `BOX-SIGNATURE-PRIMARY: <base64>` and `BOX-SIGNATURE-SECONDARY`, one for each of the two keys, over `{body}{timestamp}` with
    /// ten minutes of tolerance. `BOX-DELIVERY-ID` is another one each time that a delivery is repeated. What `BOX-SIGNATURE-VERSION` and
    /// `-ALGORITHM` say is not looked at: this is version 1, and there is one algorithm.
    BOX: Confirmed "https://developer.box.com/guides/webhooks/v2/signatures-v2" =
        base64("box", "BOX-SIGNATURE-PRIMARY")
            .any_of_headers(&["BOX-SIGNATURE-PRIMARY", "BOX-SIGNATURE-SECONDARY"])
            .suffix(&[Part::Timestamp])
            .timestamp_header("BOX-DELIVERY-TIMESTAMP", Duration::from_secs(600))
            .timestamp_format(TimestampFormat::Rfc3339)
            .unauthenticated_delivery_id_header("BOX-DELIVERY-ID");

    /// Square: `x-square-hmacsha256-signature: <base64>` over `{url}{body}`. The [`url`](crate::VerifierBuilder::url) is the notification
    /// URL as it was registered.
    SQUARE: Confirmed "https://developer.squareup.com/docs/webhooks/step3validate" =
        base64("square", "x-square-hmacsha256-signature").prefix(&[Part::Url]);

    /// Paddle Billing: `Paddle-Signature: ts=<seconds>;h1=<hex>` over `{timestamp}:{body}`. Paddle's own library tolerates five seconds,
    /// and so does this row: a clock that is off by more loses deliveries.
    PADDLE: Confirmed "https://developer.paddle.com/webhooks/signature-verification" =
        Scheme::new("paddle", "Paddle-Signature")
            .tagged(b'=', &[("h1", Algorithm::Sha256)])
            .list(b';')
            .prefix(&[Part::Timestamp, Part::Literal(":")])
            .timestamp_item("ts", Duration::from_secs(5));

    /// HubSpot v3: `X-HubSpot-Signature-v3: <base64>` over `{method}{url}{body}{timestamp}`, with milliseconds in
    /// `X-HubSpot-Request-Timestamp` and five minutes of tolerance, signed with the client secret.
    ///
    /// The [`url`](crate::VerifierBuilder::url) is the target URL with its query. HubSpot's documentation says that some escapes in it are
    /// decoded before it is signed, and its own libraries decode none: register a URL without escapes.
    HUBSPOT_V3: Confirmed "https://developers.hubspot.com/docs/apps/legacy-apps/authentication/validating-requests" =
        base64("hubspot-v3", "X-HubSpot-Signature-v3")
            .prefix(&[Part::Method, Part::Url])
            .suffix(&[Part::Timestamp])
            .timestamp_header("X-HubSpot-Request-Timestamp", FIVE_MINUTES)
            .timestamp_format(TimestampFormat::Milliseconds);

    /// Zendesk: `X-Zendesk-Webhook-Signature: <base64>` over `{timestamp}{body}`, with the timestamp in
    /// `X-Zendesk-Webhook-Signature-Timestamp`. It sends nothing over 256 KB; the limit stays at 2 MiB.
    ZENDESK: ThirdParty "https://developer.zendesk.com/documentation/webhooks/verifying/" =
        base64("zendesk", "X-Zendesk-Webhook-Signature")
            .prefix(&[Part::Timestamp])
            .timestamp_header("X-Zendesk-Webhook-Signature-Timestamp", FIVE_MINUTES)
            .timestamp_format(TimestampFormat::Rfc3339)
            .unauthenticated_delivery_id_header("X-Zendesk-Webhook-Invocation-Id");

    /// Calendly: `Calendly-Webhook-Signature: t=<seconds>,v1=<hex>` over `{timestamp}.{body}`, three minutes of tolerance.
    CALENDLY: ThirdParty "https://developer.calendly.com/api-docs/4c305798a61d3-webhook-signatures" =
        Scheme::new("calendly", "Calendly-Webhook-Signature")
            .tagged(b'=', V1)
            .list(b',')
            .prefix(TIMESTAMP_DOT)
            .timestamp_item("t", Duration::from_secs(180));

    /// Trello: `X-Trello-Webhook: <base64>` over `{body}{url}`, signed with the OAuth 1 secret. The [`url`](crate::VerifierBuilder::url) is
    /// the callback URL as it was registered. It has nothing but SHA-1, and needs
    /// [`allow_legacy_sha1`](crate::VerifierBuilder::allow_legacy_sha1).
    TRELLO: ThirdParty "https://developer.atlassian.com/cloud/trello/guides/rest-api/webhooks/" =
        base64("trello", "X-Trello-Webhook").bare(Algorithm::Sha1).suffix(&[Part::Url]);

    /// Sanity: `sanity-webhook-signature: t=<milliseconds>,v1=<base64url>` over `{timestamp}.{body}`.
    SANITY: Confirmed "https://www.sanity.io/docs/content-lake/webhooks" =
        Scheme::new("sanity", "sanity-webhook-signature")
            .tagged(b'=', V1)
            .list(b',')
            .encoding(Encoding::Base64Url)
            .prefix(TIMESTAMP_DOT)
            .timestamp_item("t", FIVE_MINUTES)
            .timestamp_format(TimestampFormat::Milliseconds)
            .unauthenticated_delivery_id_header("idempotency-key");

    /// WorkOS: `WorkOS-Signature: t=<milliseconds>, v1=<hex>` over `{timestamp}.{body}`, three minutes of tolerance.
    WORKOS: Confirmed "https://workos.com/docs/events/data-syncing/webhooks" =
        Scheme::new("workos", "WorkOS-Signature")
            .tagged(b'=', V1)
            .list(b',')
            .prefix(TIMESTAMP_DOT)
            .timestamp_item("t", Duration::from_secs(180))
            .timestamp_format(TimestampFormat::Milliseconds);
}
