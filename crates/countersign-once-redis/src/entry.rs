use countersign_once::Owner;

/// The value of a key in Redis, as text.
///
/// - `c` and the owner: a claim.
/// - `d`, three digits of the status, and the owner: a mark.
///
/// The owner has 32 hex digits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Entry(String);

impl Entry {
    pub(crate) fn claim(owner: Owner) -> Self {
        Self(format!("c{}", hex(owner)))
    }

    pub(crate) fn mark(owner: Owner, status: u16) -> Self {
        Self(format!("d{status:03}{}", hex(owner)))
    }

    /// Returns the entry of a value, if the value is an entry.
    pub(crate) fn parse(value: String) -> Option<Self> {
        let entry = Self(value);
        let owner = match entry.0.as_bytes() {
            [b'c', owner @ ..] => owner,
            [b'd', a, b, c, owner @ ..] if [a, b, c].into_iter().all(u8::is_ascii_digit) => owner,
            _ => return None,
        };
        (owner.len() == 32 && owner.iter().all(u8::is_ascii_hexdigit)).then_some(entry)
    }

    /// Returns the status of a mark. `None` for a claim.
    pub(crate) fn status(&self) -> Option<u16> {
        self.0.strip_prefix('d')?.get(..3)?.parse().ok()
    }

    /// Returns whether both entries have one owner.
    pub(crate) fn has_owner_of(&self, other: &Self) -> bool {
        let owner = |entry: &Self| entry.0.len().checked_sub(32).and_then(|start| entry.0.get(start..).map(str::to_owned));
        owner(self) == owner(other)
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

fn hex(owner: Owner) -> String {
    format!("{:032x}", u128::from_be_bytes(*owner.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entry_is_a_claim_or_a_mark_and_nothing_else() {
        let (owner, digits) = (Owner::from_bytes([0xab; 16]), "ab".repeat(16));
        let (claim, mark) = (Entry::claim(owner), Entry::mark(owner, 204));
        assert_eq!((claim.as_str(), mark.as_str()), (&*format!("c{digits}"), &*format!("d204{digits}")));
        assert_eq!((claim.status(), mark.status()), (None, Some(204)));
        for entry in [claim, mark] {
            assert_eq!(Entry::parse(entry.as_str().to_owned()), Some(entry));
        }
        for prefix in ["", "c0", "d", "d20", "d2x4", "d2040", "e204", "C", "x"] {
            assert_eq!(Entry::parse(format!("{prefix}{digits}")), None, "{prefix}");
        }
        for value in ["", "c", "d", "d204", "a value of another program"] {
            assert_eq!(Entry::parse(value.to_owned()), None, "{value}");
        }
        for unfit in ["a".repeat(31), format!("g{}", "a".repeat(31))] {
            assert_eq!(Entry::parse(format!("c{unfit}")), None, "{unfit}");
            assert_eq!(Entry::parse(format!("d204{unfit}")), None, "{unfit}");
        }
    }

    #[test]
    fn entries_of_one_owner_are_recognised() {
        let [one, two] = [1, 2].map(|byte| Owner::from_bytes([byte; 16]));
        assert!(Entry::claim(one).has_owner_of(&Entry::mark(one, 200)));
        assert!(!Entry::claim(one).has_owner_of(&Entry::claim(two)));
        assert!(!Entry::mark(one, 200).has_owner_of(&Entry::mark(two, 200)));
    }
}
