/// A list that is never empty and allocates only from its second item on: one key and one signature are the usual case.
pub(crate) struct OneOrMore<T> {
    first: T,
    rest: Vec<T>,
}

impl<T> OneOrMore<T> {
    pub(crate) fn push_onto(list: &mut Option<Self>, item: T) {
        match list {
            Some(list) => list.rest.push(item),
            None => *list = Some(Self { first: item, rest: Vec::new() }),
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.rest.len().saturating_add(1)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &T> {
        std::iter::once(&self.first).chain(&self.rest)
    }

    pub(crate) fn iter_mut(&mut self) -> impl Iterator<Item = &mut T> {
        std::iter::once(&mut self.first).chain(&mut self.rest)
    }
}
