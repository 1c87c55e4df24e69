use std::fmt;

use axum::extract::{FromRef, FromRequest, Request};
use bytes::Bytes;
use countersign::Verified;
use countersign::adapter::{Connection, Outcome};

use crate::extract::rejection::VerifyRejection;
use crate::layer::VerifyLayer;
use crate::receive::{ReceiveRequest, RejectedRequest};

/// A verified delivery: the body, byte for byte as it was signed, and the proof. An extractor of axum, which judges by the [`VerifyLayer`]
/// in the application's state: with less on the way, it is faster than the layer itself, which then need not be there.
///
/// ```
/// use axum::{Router, routing::post};
/// use countersign::{Secret, Verifier, providers};
/// use countersign_tower::{Delivery, VerifyLayer};
///
/// async fn on_event(delivery: Delivery) {
///     println!("{} bytes, signed with {}", delivery.body.len(), delivery.verified.key_id());
/// }
///
/// let verifier = Verifier::builder(providers::JIRA).key("2026-11", Secret::new("It's a Secret to Everybody")).build()?;
/// let app: Router = Router::new().route("/jira", post(on_event)).with_state(VerifyLayer::new(verifier));
/// # Ok::<(), countersign::ConfigError>(())
/// ```
///
/// A handler with other state takes both from one, which implements `FromRef` for each of its parts:
///
/// ```
/// use axum::extract::{FromRef, State};
/// use axum::{Router, routing::post};
/// use countersign_tower::{Delivery, VerifyLayer};
///
/// #[derive(Clone)]
/// struct Database;
///
/// #[derive(Clone)]
/// struct App {
///     layer: VerifyLayer,
///     database: Database,
/// }
///
/// impl FromRef<App> for VerifyLayer {
///     fn from_ref(app: &App) -> Self {
///         app.layer.clone()
///     }
/// }
///
/// impl FromRef<App> for Database {
///     fn from_ref(app: &App) -> Self {
///         app.database.clone()
///     }
/// }
///
/// async fn on_event(State(database): State<Database>, delivery: Delivery) {
///     println!("{} bytes, signed with {}", delivery.body.len(), delivery.verified.key_id());
///     # drop(database);
/// }
///
/// # fn app(layer: VerifyLayer) -> Router {
/// Router::new().route("/jira", post(on_event)).with_state(App { layer, database: Database })
/// # }
/// ```
///
/// `#[derive(FromRef)]` of axum's feature `macros` writes the two implementations.
///
/// A handler that asks for it is not run but for a verified delivery, wherever it is routed; what is rejected is answered by [`VerifyRejection`], as the
/// layer answers it. The verifier's limit for bodies holds, and axum's `DefaultBodyLimit` does not.
///
/// - Routers of several providers have a state each, and are then merged.
/// - Report-only is the layer's alone: of a layer that is [`insecure_report_only`](VerifyLayer::insecure_report_only), the extractor rejects
///   all the same.
/// - A handler that is to answer rejections itself asks for `Result<Delivery, VerifyRejection>`.
#[derive(Clone)]
#[non_exhaustive]
pub struct Delivery {
    /// The proof: the key that matched, and the signed metadata.
    pub verified: Verified,
    /// The request body, byte for byte as it was signed. Cloning it makes no copy.
    pub body: Bytes,
}

impl<S> FromRequest<S> for Delivery
where
    S: Send + Sync,
    VerifyLayer: FromRef<S>,
{
    type Rejection = VerifyRejection;

    async fn from_request(request: Request, state: &S) -> Result<Self, VerifyRejection> {
        let (parts, body) = request.into_parts();
        let settings = VerifyLayer::from_ref(state).into_strict_settings();
        match ReceiveRequest::new(settings, parts, body).await.map_err(VerifyRejection::new)? {
            Outcome::Verified(verified, body) => Ok(Self { verified, body }),
            Outcome::Unverified(rejection, _) => Err(VerifyRejection::new(RejectedRequest { rejection, connection: Connection::Keep })),
        }
    }
}

impl fmt::Debug for Delivery {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Delivery").field("verified", &self.verified).field("len", &self.body.len()).finish_non_exhaustive()
    }
}
