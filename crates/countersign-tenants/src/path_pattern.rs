use std::fmt;

use countersign::RequestHead;
use matchit::Router;
use percent_encoding::percent_decode_str;

use crate::tenants_error::TenantsError;

/// A pattern of paths that finds the tenant in them: `/jira/{tenant}`, in the syntax of the crate `matchit`, which axum's routes have, too.
///
/// The parameter `{tenant}` is the tenant: a whole segment, a part of one (`/hooks/jira-{tenant}`, which axum may not have) or all the rest
/// of the path (`/hooks/{*tenant}`). Others match anything.
///
/// ```
/// use countersign_tenants::PathPattern;
///
/// let pattern = PathPattern::new("/{region}/jira/{tenant}")?;
/// assert_eq!(pattern.tenant_in("/eu/jira/caf%C3%A9?event=1").as_deref(), Some("café"));
/// assert_eq!(pattern.tenant_in("/eu/github/acme"), None);
/// # Ok::<(), countersign_tenants::TenantsError>(())
/// ```
#[derive(Clone)]
pub struct PathPattern(Router<()>);

impl PathPattern {
    /// # Errors
    /// [`TenantsError::InvalidPattern`] if it is none, or has no `{tenant}`.
    pub fn new(pattern: &str) -> Result<Self, TenantsError> {
        let fault = |fault: String| TenantsError::InvalidPattern { pattern: pattern.to_owned(), fault };
        let mut router = Router::new();
        router.insert(pattern, ()).map_err(|error| fault(error.to_string()))?;
        if !pattern.starts_with('/') {
            return Err(fault("a path begins with /".to_owned()));
        }
        // Two braces stand for one, and for no parameter.
        let unescaped = pattern.replace("{{", "");
        if !["{tenant}", "{*tenant}"].iter().any(|parameter| unescaped.contains(parameter)) {
            return Err(fault("there is no {tenant} in it, in braces as axum 0.8 has them".to_owned()));
        }
        Ok(Self(router))
    }

    /// The tenant that the path of this target names, percent-decoded as frameworks' own path parameters are. `None` if the path does not
    /// match, or what it names is not UTF-8.
    #[must_use]
    pub fn tenant_in(&self, target: &str) -> Option<String> {
        let path = target.split('?').next()?;
        let matched = self.0.at(path).ok()?;
        let tenant = percent_decode_str(matched.params.get("tenant")?).decode_utf8().ok()?;
        Some(tenant.into_owned())
    }

    /// The tenant that a request names by its path, as it was sent: what a framework has taken off it since, as axum's `nest` does, is part
    /// of the pattern. (For axum that needs the feature `axum` of `countersign-tower`.)
    #[must_use]
    pub fn tenant_of(&self, head: &dyn RequestHead) -> Option<String> {
        self.tenant_in(head.original_target())
    }
}

impl fmt::Debug for PathPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PathPattern").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tenant_is_found_where_the_pattern_says() {
        let cases = [
            ("/jira/{tenant}", "/jira/acme", Some("acme")),
            ("/jira/{tenant}", "/jira/acme?a=/b", Some("acme")),
            ("/jira/{tenant}", "/jira/a%2Fb%20c", Some("a/b c")),
            ("/jira/{tenant}", "/jira/", None),
            ("/jira/{tenant}", "/jira", None),
            ("/jira/{tenant}", "/jira/acme/", None),
            ("/jira/{tenant}", "/JIRA/acme", None),
            ("/jira/{tenant}", "/hooks/jira/acme", None),
            ("/jira/{tenant}", "/jira/%FF", None),
            ("/jira/{tenant}", "", None),
            ("/jira/{tenant}", "*", None),
            ("/jira/{*tenant}", "/jira/a/b", Some("a/b")),
            ("/jira/of-{tenant}/hook", "/jira/of-acme/hook", Some("acme")),
            ("/{a}/{tenant}/{b}", "/x/acme/y", Some("acme")),
        ];
        for (pattern, target, tenant) in cases {
            assert_eq!(PathPattern::new(pattern).unwrap().tenant_in(target).as_deref(), tenant, "{pattern} {target}");
        }
    }

    #[test]
    fn what_is_no_pattern_is_rejected() {
        for pattern in [
            "",
            "jira/{tenant}",
            "https://h/{tenant}",
            "/jira",
            "/jira/:tenant",
            "/jira/{name}",
            "/jira/{tenant",
            "/jira/{{tenant}}",
            "/{tenant}/{tenant}x{y}",
            "/jira/{*tenant}/x",
        ] {
            assert!(PathPattern::new(pattern).is_err(), "{pattern}");
        }
    }
}
