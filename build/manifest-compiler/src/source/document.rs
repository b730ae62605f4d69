//! A parsed manifest that still knows its text.

use std::ops::{Deref, Range};
use std::sync::Arc;

use serde::de::DeserializeOwned;
use toml::Spanned;

use super::SourceTree;
use crate::diagnostic::{Diagnostic, Failure, Place};

/// Text with its place.
pub(crate) type Text = Spanned<String>;

/// A manifest: its values, and where in the file each of them stands.
#[derive(Clone, Debug)]
pub(crate) struct Document<T> {
    path: Arc<str>,
    text: Arc<str>,
    value: T,
}

impl<T: DeserializeOwned> Document<T> {
    /// Reads and parses the file at `path`.
    pub(crate) fn read(tree: &dyn SourceTree, path: &str) -> Result<Self, Failure> {
        match tree.read(path) {
            Ok(text) => Self::parse(path, &text),
            Err(why) => Err(Diagnostic {
                place: place(path, "", 0),
                sentence: format!("the file cannot be read: {why}"),
            }
            .into()),
        }
    }

    /// Parses `text`, the contents of the file at `path`.
    pub(crate) fn parse(path: &str, text: &str) -> Result<Self, Failure> {
        match toml::from_str(text) {
            Ok(value) => Ok(Self {
                path: path.into(),
                text: text.into(),
                value,
            }),
            Err(error) => Err(Diagnostic {
                place: place(path, text, error.span().map_or(0, |span| span.start)),
                sentence: error.message().replace('\n', ", "),
            }
            .into()),
        }
    }
}

impl<T> Document<T> {
    /// Where `value`, a part of this document, stands.
    pub(crate) fn at<V>(&self, value: &Spanned<V>) -> Place {
        self.at_span(value.span())
    }

    /// Where `span` of this document starts.
    pub(crate) fn at_span(&self, span: Range<usize>) -> Place {
        place(&self.path, &self.text, span.start)
    }

    /// Where the document starts.
    pub(crate) fn start(&self) -> Place {
        place(&self.path, "", 0)
    }
}

impl<T> Deref for Document<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.value
    }
}

fn place(path: &str, text: &str, offset: usize) -> Place {
    let before = text.get(..offset).unwrap_or(text);
    let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
    Place {
        file: path.into(),
        line: before.matches('\n').count() + 1,
        column: before[line_start..].chars().count() + 1,
    }
}
