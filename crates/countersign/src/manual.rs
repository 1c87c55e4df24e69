//! Guides, a question a page.
//!
//! # Receiving under a framework
//!
//! | question | page |
//! |---|---|
//! | How do I receive webhooks under axum? | [`axum`] |
//! | How do I receive webhooks under actix-web? | [`actix_web`] |
//! | How do I receive webhooks under warp? | [`warp`] |
//! | How do the frameworks differ? | [`differences`] |
//! | Which provider do I take, and what does the provider need? | [`choosing_a_provider`] |
//!
//! # From an empty project to production
//!
//! | question | page |
//! |---|---|
//! | How do I receive from Jira Cloud, from an empty project to production? | [`jira`] |
//! | Which settings of a proxy keep the body intact? | [`proxies`] |
//! | How do I deploy in a container, in Kubernetes and with systemd? | [`deployment`] |
//! | What is logged and counted, and which alerts do I need? | [`observability`] |
//! | How do I test my handler? | [`testing`] |
//! | Why does it not work? | [`troubleshooting`] |
//!
//! # Settings
//!
//! | question | page |
//! |---|---|
//! | What does the sender get, and what does a cause mean? | [`responses`] |
//! | How large, how slow and how many? | [`limits`] |
//! | How do I change a secret without losing a delivery? | [`rotation`] |
//! | How do I give each customer a secret? | [`tenants`] |
//! | How do I handle each delivery once? | [`once`] |
//! | How do I introduce verification under a running service? | [`rollout`] |
//!
//! # Adding to Countersign
//!
//! | question | page |
//! |---|---|
//! | How do I add a provider? | [`adding_a_provider`] |
//! | How do I add a framework? | [`adding_a_framework`] |
//! | Where is what, and which way does a delivery take? | [`architecture`] |
//! | How do I build, test, change and release the project? | [`contributing`] |
//!
//! # Trust and cost
//!
//! | question | page |
//! |---|---|
//! | Who attacks, and what is promised? | [`threat_model`] |
//! | What was done to find mistakes? | [`evidence`] |
//! | What does a delivery cost? | [`performance`] |

/// Declares a page. The links between pages are file names in the Markdown, for readers of the
/// repository. rustdoc takes the first definition of a link, and `links.md` has one for each page.
macro_rules! page {
    ($name:ident, $file:literal) => {
        #[doc = include_str!("manual/links.md")]
        #[doc = include_str!($file)]
        pub mod $name {}
    };
}

page!(axum, "manual/axum.md");
page!(actix_web, "manual/actix_web.md");
page!(warp, "manual/warp.md");
page!(differences, "manual/differences.md");
page!(choosing_a_provider, "manual/choosing_a_provider.md");
page!(jira, "manual/jira.md");
page!(proxies, "manual/proxies.md");
page!(deployment, "manual/deployment.md");
page!(observability, "manual/observability.md");
page!(testing, "manual/testing.md");
page!(troubleshooting, "manual/troubleshooting.md");
page!(responses, "manual/responses.md");
page!(limits, "manual/limits.md");
page!(rotation, "manual/rotation.md");
page!(tenants, "manual/tenants.md");
page!(once, "manual/once.md");
page!(rollout, "manual/rollout.md");
page!(adding_a_provider, "manual/adding_a_provider.md");
page!(adding_a_framework, "manual/adding_a_framework.md");
page!(architecture, "manual/architecture.md");
page!(contributing, "manual/contributing.md");
page!(threat_model, "manual/threat_model.md");
page!(evidence, "manual/evidence.md");
page!(performance, "manual/performance.md");
