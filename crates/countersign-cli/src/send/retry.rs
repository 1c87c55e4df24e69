use std::time::Duration;

use countersign::providers;
use countersign::scheme::Scheme;
use http::StatusCode;

use crate::failure::Failure;

/// The retries of a delivery. The pauses of Jira are documented by the provider.
pub(crate) struct Retries {
    is_jira: bool,
    left: u32,
    fast: bool,
    made: u32,
}

impl Retries {
    pub(crate) fn new(scheme: &Scheme, most: u32, fast: bool) -> Self {
        Self { is_jira: *scheme == providers::JIRA, left: most, fast, made: 0 }
    }

    /// Returns the header in which the provider counts retries.
    pub(crate) fn header(&self) -> Option<&'static str> {
        self.is_jira.then_some("x-atlassian-webhook-retry")
    }

    /// Returns the pause before the next attempt, or `None` after the last attempt. A `status` of
    /// `None` is a missing response.
    pub(crate) fn pause_after(&mut self, status: Option<StatusCode>) -> Result<Option<Duration>, Failure> {
        let is_temporary = status.is_none_or(|status| matches!(status.as_u16(), 408 | 409 | 425 | 429 | 500..=599));
        if !is_temporary || self.left == 0 {
            return Ok(None);
        }
        self.left = self.left.saturating_sub(1);
        self.made = self.made.saturating_add(1);
        let pause = if self.fast {
            Duration::from_millis(100)
        } else if self.is_jira {
            // 5 to 15 minutes: developer.atlassian.com, "Webhooks", "Retry policy".
            Duration::from_secs(300).saturating_add(Duration::from_millis(random_below(600_000)?))
        } else {
            let doubled = 2_u64.saturating_pow(self.made.saturating_sub(1));
            Duration::from_secs(doubled.saturating_mul(5).min(3600))
        };
        Ok(Some(pause))
    }
}

fn random_below(limit: u64) -> Result<u64, Failure> {
    let random = getrandom::u64().map_err(|error| Failure::because("cannot get random numbers from the system", error))?;
    Ok(random.checked_rem(limit).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pauses(scheme: &Scheme, fast: bool, statuses: &[Option<u16>]) -> Vec<Option<u64>> {
        let mut retries = Retries::new(scheme, 3, fast);
        let status = |status: &Option<u16>| status.map(|status| StatusCode::from_u16(status).unwrap());
        statuses.iter().map(|one| retries.pause_after(status(one)).unwrap().map(|pause| pause.as_millis().try_into().unwrap())).collect()
    }

    #[test]
    fn temporary_failure_is_retried_and_final_response_is_not() {
        for status in [Some(408), Some(409), Some(425), Some(429), Some(500), Some(503), Some(599), None] {
            assert_eq!(pauses(&providers::GITHUB, true, &[status; 4]), [Some(100), Some(100), Some(100), None], "{status:?}");
        }
        for status in [200, 204, 301, 400, 401, 404, 413] {
            assert_eq!(pauses(&providers::GITHUB, true, &[Some(status)]), [None], "{status}");
        }
    }

    #[test]
    fn pauses_follow_the_provider() {
        assert_eq!(pauses(&providers::GITHUB, false, &[None; 3]), [Some(5000), Some(10_000), Some(20_000)]);
        for pause in pauses(&providers::JIRA, false, &[None; 3]) {
            assert!((300_000..900_000).contains(&pause.unwrap()), "{pause:?}");
        }
    }
}
