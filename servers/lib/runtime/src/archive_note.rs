//! The note by which a root image says where its archive lies.

/// An ELF note: name "Sekisho", type 1, content {u64 offset in the file, u64 length}.
#[doc(hidden)]
#[repr(C, align(4))]
pub struct ArchiveNote {
    name_length: u32,
    content_length: u32,
    kind: u32,
    name: [u8; 8],
    content: [u32; 4],
}

impl ArchiveNote {
    /// The note before the packer fills it in.
    #[must_use]
    #[expect(clippy::new_without_default, reason = "only for a static")]
    pub const fn new() -> Self {
        Self {
            name_length: 8,
            content_length: 16,
            kind: 1,
            name: *b"Sekisho\0",
            content: [0; 4],
        }
    }
}

/// Puts the note into the program, for the packer to fill in.
#[macro_export]
macro_rules! archive_note {
    () => {
        #[used]
        #[unsafe(link_section = ".note.sekisho")]
        static ARCHIVE_NOTE: $crate::start::ArchiveNote = $crate::start::ArchiveNote::new();
    };
}
