//! What the allocator keeps of what was freed.

/// Has the allocator give back what is free, as far as it can: what is left is what the process holds.
/// glibc keeps several times as much, and more of it the longer a process lives.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
#[expect(unsafe_code, reason = "asking the C library is unsafe, and happens here only")]
pub(super) fn give_back() {
    // SAFETY: it may be called at any time by any thread; it locks each arena.
    unsafe { libc::malloc_trim(0) };
}

/// Only glibc is known to need it.
#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
pub(super) fn give_back() {}
