use std::sync::Arc;
use std::time::SystemTime;

/// What is kept of a head for its [`Verified`](crate::Verified): true once the delivery is verified, so far as it is signed.
#[derive(Clone)]
pub(crate) struct Metadata {
    pub(crate) signed_at: Option<SystemTime>,
    /// Where each text ends. They stand one behind the other.
    ends: [u16; 3],
    /// The texts, if they are short. Nearly all are.
    short: [u8; SHORT],
    long: Option<Arc<[u8]>>,
}

/// In bytes: an id of 36 characters and a kind of event.
const SHORT: usize = 64;

/// Which of the texts.
#[derive(Clone, Copy)]
pub(crate) enum Text {
    SignedId,
    DeliveryId,
    Event,
}

impl Metadata {
    pub(crate) const NONE: Self = Self { signed_at: None, ends: [0; 3], short: [0; SHORT], long: None };

    /// `texts` are in the order of [`Text`], each of 256 bytes at most, and empty if it is not there.
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

    /// What was kept. Once.
    pub(crate) fn take(&mut self) -> Self {
        Self { long: self.long.take(), ..*self }
    }

    /// What it says, if that is fit to be shown: visible ASCII.
    pub(crate) fn text(&self, text: Text) -> Option<&str> {
        let [id, delivery_id, event] = self.ends.map(usize::from);
        let range = match text {
            Text::SignedId => 0..id,
            Text::DeliveryId => id..delivery_id,
            Text::Event => delivery_id..event,
        };
        let text = self.long.as_deref().unwrap_or(&self.short).get(range)?;
        let shown = !text.is_empty() && text.iter().all(u8::is_ascii_graphic);
        std::str::from_utf8(text).ok().filter(|_| shown)
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
    fn each_text_is_kept_whole_whether_together_they_are_short_or_long() {
        for len in [0, 1, SHORT - 2, SHORT - 1, SHORT, 256] {
            let long = "x".repeat(len);
            let texts = ["i", "", &long];
            for turn in 0..3 {
                let mut texts = texts;
                texts.rotate_left(turn);
                let metadata = Metadata::new(None, texts.map(str::as_bytes)).clone();
                let kept = [Text::SignedId, Text::DeliveryId, Text::Event].map(|text| metadata.text(text).unwrap_or_default());
                assert_eq!(kept, texts, "{len}");
                assert_eq!(metadata.long.is_some(), len + 1 > SHORT);
            }
        }
    }

    #[test]
    fn a_text_that_is_not_visible_ascii_is_not_shown_and_leaves_the_others() {
        for hidden in ["a b", "a\tb", "\u{e9}", "a\u{7f}"] {
            let metadata = Metadata::new(None, [b"id", hidden.as_bytes(), b"event"]);
            assert_eq!([Text::SignedId, Text::DeliveryId, Text::Event].map(|text| metadata.text(text)), [Some("id"), None, Some("event")]);
        }
    }
}
