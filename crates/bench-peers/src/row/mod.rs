//! How the key-value peers hold an observation: a skeleton under one key, each payload under
//! another, as a team would that wants trees without payloads.
//!
//! ```text
//! rows      't' trace observation          -> next number | stamps | fields   (no payload bytes)
//!           't' trace 0xff                    the trace's own fields
//!           's' score
//! payloads  the row's key, number (u32)     -> the bytes, packed or not
//!
//! row       next:varint  count:varint { strong|operation:u8 time:i64 }*   distinct stamps
//!           { field:u8 stamp:varint length:varint value }*                until the end
//! ```
//!
//! A row names its payloads by number, so that a piece that arrives is merged by reading and
//! writing rows alone, and a payload is written once. The rules of the merge are tracekeep's own
//! ([`tracekeep::merge`]): every engine has to give the same answer.
//!
//! Read in this order: `bytes`, `key`, `encode`, `decode`, `value`, `change`, `skeleton`.

pub(crate) mod bytes;
mod change;
mod decode;
mod encode;
pub(crate) mod key;
mod skeleton;
#[cfg(test)]
mod tests;
mod value;

pub(crate) use bytes::put_id;
pub(crate) use change::{Applied, Change, Pack, apply, numbers, pack, renumbered, unpack};
pub(crate) use decode::decode;
pub(crate) use encode::{encode, encode_rest};
pub use skeleton::Skeleton;
pub(crate) use skeleton::{cost_of, payload_of};
