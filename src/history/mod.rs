//! Recap's own words over the store: which documents a scope has, and what may be done with its
//! library. The only room that uses `store`; what others need of it is handed on here.

mod archive;
pub mod following;
mod heads;
pub mod layout;
pub mod library;
pub mod migrate;
mod patch;

pub use crate::store::{Change, ChangeKind, Etag, Problem, Stamp, StoreError, Watching};
pub use archive::ImportReport;
pub use following::FollowError;
pub use layout::pretty_recap;
pub use library::{Library, LibraryError, ListOrder, ListQuery, Page, SortKey};
