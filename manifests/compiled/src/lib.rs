//! The compiled manifest: the list of objects and capabilities that the root server builds.

#![no_std]
#![forbid(unsafe_code)]
