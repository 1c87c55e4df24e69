use std::sync::Arc;
use std::time::SystemTime;

/// Values from a request head, kept for [`Verified`](crate::Verified). The signed values are proven
/// once the delivery is verified.
#[derive(Clone)]
pub(crate) struct Metadata {
    pub(crate) signed_at: Option<SystemTime>,
    /// The end of each text. The texts are stored in sequence.
    ends: [u16; 3],
    /// The texts, if short. Nearly all texts are short.
    short: [u8; SHORT],
    /// The texts, if long or with a digest of the body behind the texts.
    long: Option<Arc<[u8]>>,
}

/// Size in bytes: room for an id of 36 characters and a kind of event.
const SHORT: usize = 64;

impl Metadata {
    pub(crate) const NONE: Self = Self { signed_at: None, ends: [0; 3], short: [0; SHORT], long: None };

    /// Copies `texts`: the signed id, the unsigned delivery id and the kind of event. Each text has
    /// at most 256 bytes. An absent text is empty.
    #[inline]
    pub(crate) fn new(signed_at: Option<SystemTime>, texts: [&[u8]; 3]) -> Self {
        let mut metadata = Self { signed_at, ends: [0; 3], short: [0; SHORT], long: None };
        let mut end = 0_usize;
        for (text, kept) in texts.iter().zip(&mut metadata.ends) {
            let start = end;
            end = start.wrapping_add(text.len());
            *kept = end.try_into().unwrap_or(u16::MAX);
            if let Some(place) = metadata.short.get_mut(start..end)
                && !text.is_empty()
            {
                place.copy_from_slice(text);
            }
        }
        if end > SHORT {
            metadata.long = Some(concat(texts));
        }
        metadata
    }

    /// Adds the SHA-256 digest of the body. Nearly no delivery has a digest, so no place is kept
    /// free for the digest.
    #[cfg(feature = "identity")]
    pub(crate) fn add_body_digest(&mut self, digest: [u8; 32]) {
        let texts = self.texts().get(..usize::from(self.ends[2])).unwrap_or_default();
        self.long = Some([texts, &digest].concat().into());
    }

    #[cfg(feature = "identity")]
    pub(crate) fn body_digest(&self) -> Option<&[u8; 32]> {
        self.long.as_deref()?.get(usize::from(self.ends[2])..)?.try_into().ok()
    }

    /// Moves the values out. Call once.
    pub(crate) fn take(&mut self) -> Self {
        Self { long: self.long.take(), ..*self }
    }

    /// Returns the signed id, if the text is visible ASCII. The other texts have the same
    /// condition.
    pub(crate) fn signed_id(&self) -> Option<&str> {
        self.text(0, self.ends[0])
    }

    pub(crate) fn delivery_id(&self) -> Option<&str> {
        self.text(self.ends[0], self.ends[1])
    }

    pub(crate) fn event(&self) -> Option<&str> {
        self.text(self.ends[1], self.ends[2])
    }

    fn texts(&self) -> &[u8] {
        self.long.as_deref().unwrap_or(&self.short)
    }

    /// Returns the text if it is visible ASCII and not empty.
    fn text(&self, start: u16, end: u16) -> Option<&str> {
        let text = self.texts().get(start.into()..end.into())?;
        std::str::from_utf8(text).ok().filter(|text| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic()))
    }
}

#[cold]
fn concat(texts: [&[u8]; 3]) -> Arc<[u8]> {
    texts.concat().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metadata_keeps_short_and_long_values_whole() {
        for len in [0, 1, SHORT - 2, SHORT - 1, SHORT, 256] {
            let long = "x".repeat(len);
            let texts = ["i", "", &long];
            for turn in 0..3 {
                let mut texts = texts;
                texts.rotate_left(turn);
                let metadata = Metadata::new(None, texts.map(str::as_bytes)).clone();
                let kept = [metadata.signed_id(), metadata.delivery_id(), metadata.event()].map(Option::unwrap_or_default);
                assert_eq!(kept, texts, "{len}");
                assert_eq!(metadata.long.is_some(), len + 1 > SHORT);
                #[cfg(feature = "identity")]
                {
                    let mut metadata = metadata;
                    assert_eq!(metadata.body_digest(), None, "{len}");
                    metadata.add_body_digest([7; 32]);
                    assert_eq!(metadata.body_digest(), Some(&[7; 32]));
                    let kept = [metadata.signed_id(), metadata.delivery_id(), metadata.event()].map(Option::unwrap_or_default);
                    assert_eq!(kept, texts, "{len}");
                }
            }
        }
    }

    #[test]
    fn metadata_hides_only_values_outside_visible_ascii() {
        for hidden in ["a b", "a\tb", "\u{e9}", "a\u{7f}"] {
            let metadata = Metadata::new(None, [b"id", hidden.as_bytes(), b"event"]);
            assert_eq!([metadata.signed_id(), metadata.delivery_id(), metadata.event()], [Some("id"), None, Some("event")]);
        }
    }
}
