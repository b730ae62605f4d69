//! Builds every image, for the checks that look at the result.

use anyhow::Result;

use super::{Images, Subject};
use crate::products::{Products, is_product};
use crate::program::{self, Home, KERNEL, Options};

pub(super) fn build(subject: &Subject) -> Result<Images> {
    let metadata = &subject.metadata;
    let kernel = build_kernel(subject)?;
    let mut programs: Vec<_> = Products::build(metadata)?.into_files().collect();
    for package in Home::user_packages(metadata) {
        if !is_product(package) {
            programs.push(program::build_one(
                metadata,
                &package.name,
                Options::default(),
            )?);
        }
    }
    Ok(Images { kernel, programs })
}

pub(super) fn build_kernel(subject: &Subject) -> Result<std::path::PathBuf> {
    program::build_one(&subject.metadata, KERNEL, Options::default())
}
