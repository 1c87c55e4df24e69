use std::cell::RefCell;

use actix_web::http::header::HeaderName;

/// How many are kept. More than any scheme and resolver ask for; whatever is beyond is made anew.
const MOST: usize = 64;

thread_local! {
    /// Names that have been asked for. actix-web looks a name up by a [`HeaderName`], and making one of a text takes two allocations.
    static NAMES: RefCell<Vec<(Box<str>, HeaderName)>> = const { RefCell::new(Vec::new()) };
}

/// Hands the name to `look`, if it is one.
pub(crate) fn with<T>(name: &str, look: impl FnOnce(&HeaderName) -> T) -> Option<T> {
    NAMES.with(|names| {
        if let Ok(names) = names.try_borrow()
            && let Some((_, known)) = names.iter().find(|(text, _)| **text == *name)
        {
            return Some(look(known));
        }
        let made = HeaderName::from_bytes(name.as_bytes()).ok()?;
        // Whoever looks may ask again meanwhile, so the names are not held on to.
        if let Ok(mut names) = names.try_borrow_mut()
            && names.len() < MOST
        {
            names.push((name.into(), made.clone()));
        }
        Some(look(&made))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_the_same_however_often_it_is_asked_for() {
        for _ in 0..3 {
            assert_eq!(with("X-Hub-Signature", HeaderName::to_string).as_deref(), Some("x-hub-signature"));
            assert_eq!(with("no name", HeaderName::to_string), None);
            for number in 0..2 * MOST {
                assert_eq!(with(&format!("x-{number}"), HeaderName::to_string), Some(format!("x-{number}")));
            }
            assert_eq!(with("a", |outer| with("b", |inner| format!("{outer}{inner}"))), Some(Some("ab".into())));
        }
        NAMES.with(|names| assert_eq!(names.borrow().len(), MOST));
    }
}
