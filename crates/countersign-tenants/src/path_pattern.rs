use std::fmt;

use countersign::RequestHead;
use matchit::Router;
use percent_encoding::percent_decode_str;

use crate::tenants_error::TenantsError;

/// A path pattern with the parameter `{tenant}`, such as `/jira/{tenant}`.
///
/// The syntax is that of the crate `matchit`. Routes of axum have the same syntax. The parameter
/// `{tenant}` matches one of these:
/// - a whole path segment: `/jira/{tenant}`,
/// - a part of a segment: `/hooks/jira-{tenant}` (axum may not accept such a route),
/// - the rest of the path: `/hooks/{*tenant}`.
///
/// Other parameters match any text.
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
    /// Parses a pattern.
    ///
    /// # Errors
    /// [`TenantsError::InvalidPattern`] if the pattern
    /// - is not valid in the syntax of `matchit`,
    /// - does not begin with `/`, or
    /// - has no parameter `{tenant}`.
    pub fn new(pattern: &str) -> Result<Self, TenantsError> {
        let fault = |fault: String| TenantsError::InvalidPattern { pattern: pattern.to_owned(), fault };
        let mut router = Router::new();
        router.insert(pattern, ()).map_err(|error| fault(error.to_string()))?;
        if !pattern.starts_with('/') {
            return Err(fault("the path must begin with /".to_owned()));
        }
        // `{{` is a literal brace for matchit, so `{{tenant}}` is no parameter.
        let unescaped = pattern.replace("{{", "");
        if !["{tenant}", "{*tenant}"].iter().any(|parameter| unescaped.contains(parameter)) {
            return Err(fault("the path has no {tenant}, in braces as in axum 0.8".to_owned()));
        }
        Ok(Self(router))
    }

    /// Returns the tenant in the path of a request target. The query is ignored.
    ///
    /// The tenant is percent-decoded, like the path parameters of web frameworks. Returns `None` if
    /// the path does not match, or if the decoded tenant is not UTF-8.
    #[must_use]
    pub fn tenant_in(&self, target: &str) -> Option<String> {
        let path = target.split('?').next()?;
        let matched = self.0.at(path).ok()?;
        let tenant = percent_decode_str(matched.params.get("tenant")?).decode_utf8().ok()?;
        Some(tenant.into_owned())
    }

    /// Returns the tenant in the path of a request.
    ///
    /// The pattern must match the whole path as sent. A prefix removed by the framework, for
    /// example by `nest` of axum, is part of the pattern. axum needs the feature `axum` of
    /// `countersign-tower` for this.
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
    fn pattern_extracts_the_tenant_from_the_path() {
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
    fn invalid_pattern_is_rejected() {
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
