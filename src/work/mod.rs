//! What happens without a request. Each loop is a step that tests can call, in a loop that they need
//! not.

pub mod checker;
pub mod processor;
pub mod reload;
pub mod tidy;
