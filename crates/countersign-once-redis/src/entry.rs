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
