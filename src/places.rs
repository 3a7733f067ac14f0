//! How many of something one party may hold open at a time, so that nobody takes every place.

use std::{
    collections::HashMap,
    hash::Hash,
    sync::{Arc, Mutex, PoisonError},
};

#[derive(Debug)]
pub struct Places<K> {
    open: Mutex<HashMap<K, usize>>,
    /// For each party.
    most: usize,
    parties: usize,
}

/// A place, given back when dropped.
#[derive(Debug)]
pub struct Place<K: Hash + Eq> {
    places: Arc<Places<K>>,
    party: K,
}

impl<K: Hash + Eq + Clone> Places<K> {
    pub fn new(most: usize, parties: usize) -> Arc<Self> {
        Arc::new(Self { open: Mutex::default(), most, parties })
    }

    pub fn take(self: &Arc<Self>, party: K) -> Option<Place<K>> {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        if open.len() >= self.parties && !open.contains_key(&party) {
            return None;
        }
        let count = open.entry(party.clone()).or_default();
        if *count >= self.most {
            return None;
        }
        *count += 1;
        drop(open);
        Some(Place { places: self.clone(), party })
    }
}

impl<K: Hash + Eq> Drop for Place<K> {
    fn drop(&mut self) {
        let mut open = self.places.open.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = open.get_mut(&self.party) {
            *count -= 1;
            if *count == 0 {
                open.remove(&self.party);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_that_was_given_back_can_be_taken_again() {
        let places = Places::new(2, 2);
        let (first, second) = (places.take("a"), places.take("a"));
        assert!(first.is_some() && second.is_some() && places.take("a").is_none());
        let other = places.take("b");
        assert!(other.is_some() && places.take("c").is_none(), "all parties are there");
        drop(first);
        assert!(places.take("a").is_some());
        drop(other);
        assert!(places.take("c").is_some());
    }
}
