use std::fmt;

use axum::extract::{FromRef, FromRequest, Request};
use bytes::Bytes;
use countersign::Verified;
use countersign::adapter::{Connection, Outcome};

use crate::extract::rejection::VerifyRejection;
use crate::layer::VerifyLayer;
use crate::receive::{ReceiveRequest, RejectedRequest};

/// A verified delivery: the proof and the body, byte for byte as signed. An extractor for axum.
///
/// The extractor verifies with the [`VerifyLayer`] in the application's state. The layer is not
/// needed around the router. With fewer steps for each request, the extractor is faster than the
/// layer.
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
/// let secret = Secret::new("It's a Secret to Everybody");
/// let verifier = Verifier::builder(providers::JIRA).key("2026-11", secret).build()?;
/// let layer = VerifyLayer::new(verifier);
/// let app: Router = Router::new().route("/jira", post(on_event)).with_state(layer);
/// # Ok::<(), countersign::ConfigError>(())
/// ```
///
/// An application with more state implements `FromRef` for each part of the state:
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
/// `#[derive(FromRef)]` writes both implementations, with axum's feature `macros`.
///
/// - A handler with a `Delivery` argument runs only for verified deliveries, on every route.
/// - A rejected delivery is answered by [`VerifyRejection`], like a delivery rejected by the layer.
///   A handler with a `Result<Delivery, VerifyRejection>` argument answers rejections itself.
/// - The verifier's body limit applies. axum's `DefaultBodyLimit` does not apply.
/// - Report-only mode is for the layer only. The extractor rejects unverified deliveries even with
///   an [`insecure_report_only`](VerifyLayer::insecure_report_only) layer in the state.
/// - Trailers are dropped.
/// - For several providers, give each router a separate layer as state, and merge the routers.
#[derive(Clone)]
#[non_exhaustive]
pub struct Delivery {
    /// The proof: the id of the matching key, and the signed metadata.
    pub verified: Verified,
    /// The request body, byte for byte as signed. A clone does not copy the bytes.
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
        let (settings, reject) = VerifyLayer::from_ref(state).into_strict_parts();
        match ReceiveRequest::new(settings, parts, body).await {
            Ok(Outcome::Verified(verified, body)) => Ok(Self { verified, body }),
            // Strict settings never let an unverified delivery through. The match needs the case.
            Ok(Outcome::Unverified(rejection, _)) => Err(VerifyRejection::new(rejection, Connection::Keep, reject)),
            Err(RejectedRequest { rejection, connection }) => Err(VerifyRejection::new(rejection, connection, reject)),
        }
    }
}

impl fmt::Debug for Delivery {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Delivery").field("verified", &self.verified).field("len", &self.body.len()).finish_non_exhaustive()
    }
}
