//! The story that every mode must tell the same way, told by multi mode for each of its kinds of
//! scope.
