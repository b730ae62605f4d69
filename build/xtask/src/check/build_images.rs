//! Builds every image, for the checks that look at the result.

use anyhow::Result;

use super::{Images, Subject};
use crate::program::{self, Home, Options};

pub(super) fn build(subject: &Subject) -> Result<Images> {
    let build = |home: Home| {
        let packages: Vec<_> = home.packages(&subject.metadata).collect();
        if packages.is_empty() {
            return Ok(Vec::new());
        }
        program::build(home, &packages, Options::default())
    };
    Ok(Images {
        kernel: build(Home::Kernel)?.pop(),
        programs: build(Home::User)?,
    })
}
