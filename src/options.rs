//! Options: plain data that a host may keep in a file of its own.

/// When an append is acknowledged. See `docs/durability.md`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Durability {
    /// After the operating system has the bytes. Survives kill -9, not power loss.
    Os,
    /// After `fdatasync` of the group. Survives power loss.
    #[default]
    Disk,
    /// As `Disk`, and the marker that names the group as durable is itself synced: later damage
    /// to the very last group is told apart from a torn tail.
    DiskStrict,
}

/// How a store behaves and what it may use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Options {
    /// When an append is acknowledged. Default [`Durability::Disk`].
    pub durability: Durability,
    /// Memory for live traces: tables of unsealed records, the last payloads of streams, and
    /// part lookup, in bytes. Where three quarters are taken and logs wait to be sealed, appends
    /// are slowed down to the rate of sealing; where all is, they wait. Default 256 MiB.
    pub live_bytes_max: usize,
    /// Memory for decompressed blocks, in bytes; 0 turns the cache off. Default 64 MiB.
    pub block_cache_bytes: usize,
    /// Share of `live_bytes_max` for the last payloads of streams, in bytes. Default 48 MiB.
    pub stream_bytes_max: usize,
    /// A log ends at this size on disk, in bytes; at 512 MiB at the latest. Default 64 MiB.
    pub log_bytes_max: u64,
    /// A log ends after this many new raw payload bytes. Default 256 MiB.
    pub log_raw_bytes_max: u64,
    /// Finished logs are sealed when there are this many. Default 4.
    pub seal_logs: usize,
    /// Finished logs are sealed when they hold this many bytes together. Default 16 MiB.
    pub seal_bytes: u64,
    /// Memory for making one segment, in bytes, about: logs and segments that would take more are
    /// not joined. 256 bytes a row and 64 a part are near. Default 128 MiB.
    pub rewrite_bytes_max: u64,
    /// Bytes of segments that are joined in the background, in a second at most, on average; 0 sets
    /// no limit. The limit holds no log back from being sealed: where one is due, a join under way
    /// goes on at full speed and the next ones wait for longer. Default 0.
    pub join_bytes_per_second_max: u64,
    /// zstd level for sealed blocks. Default 9.
    pub seal_level: i32,
    /// A manifest is started anew past this size, and past twice the state that it began with,
    /// in bytes; past 128 MiB at the latest. Default 4 MiB.
    pub manifest_bytes_max: u64,
    /// Quiet time after which a marker promises the last group, in milliseconds. At
    /// [`Durability::Os`] a second at least. Default 50.
    pub marker_ms: u64,
    /// Seal in the background. Off, logs pile up until `seal` is called. Default on.
    pub background: Background,
}

/// Whether the store works in the background.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Background {
    /// Seal and index as logs finish.
    #[default]
    On,
    /// Only when asked.
    Off,
}

impl Default for Options {
    fn default() -> Options {
        Options {
            durability: Durability::Disk,
            live_bytes_max: 256 << 20,
            block_cache_bytes: 64 << 20,
            stream_bytes_max: 48 << 20,
            log_bytes_max: crate::limits::LOG_BYTES_MAX,
            log_raw_bytes_max: crate::limits::LOG_RAW_BYTES_MAX,
            seal_logs: 4,
            seal_bytes: 16 << 20,
            rewrite_bytes_max: 128 << 20,
            join_bytes_per_second_max: 0,
            seal_level: 9,
            manifest_bytes_max: crate::limits::MANIFEST_BYTES_MAX,
            marker_ms: 50,
            background: Background::On,
        }
    }
}
