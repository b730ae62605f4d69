//! The programs that systems are made of, built together.
//!
//! One cargo command for all with the same flags uses every core, and builds the libraries that they
//! share once. Programs of tests are left out: the features that they switch on would reach the others.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use anyhow::Result;

use crate::program::{self, Home, Options};
use crate::progress::step;
use crate::system::ROOT_SERVER;
use crate::workspace::{Metadata, Package};

/// Where products stand; what runs on the kernel and stands elsewhere belongs to a test.
const FOLDERS: [&str; 2] = ["servers", "vmm-partition"];

/// The ELF files of all products.
pub(crate) struct Products {
    files: HashMap<String, PathBuf>,
}

impl Products {
    /// Builds what has changed.
    pub(crate) fn build(metadata: &Metadata) -> Result<Products> {
        let files = step("Building the servers", || build(metadata))?;
        Ok(Products { files })
    }

    /// The ELF file of a package, if it is a product.
    pub(crate) fn file(&self, package: &str) -> Option<&Path> {
        self.files.get(package).map(PathBuf::as_path)
    }

    /// All ELF files.
    pub(crate) fn into_files(self) -> impl Iterator<Item = PathBuf> {
        self.files.into_values()
    }
}

fn build(metadata: &Metadata) -> Result<HashMap<String, PathBuf>> {
    let mut all = HashMap::new();
    for home in [Home::User, Home::UserV3] {
        let packages = home.packages(metadata);
        let packages: Vec<_> = packages.filter(|package| is_product(package)).collect();
        let files = program::build(home, &packages, Options::default())?;
        let names = packages.iter().map(|package| package.name.clone());
        all.extend(names.zip(files));
    }
    Ok(all)
}

/// Whether the package belongs to systems rather than to tests.
pub(crate) fn is_product(package: &Package) -> bool {
    // The root server is built by itself: a test may want it with a feature.
    package.name != ROOT_SERVER
        && FOLDERS
            .iter()
            .any(|folder| package.folder().starts_with(folder))
}
