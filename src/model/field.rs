//! The fields of traces, observations and scores, and how each merges.

/// How two values of one field become one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rule {
    /// The value with the larger stamp wins.
    Latest,
    /// The strong value with the smaller stamp wins: it never changes once it was said.
    First,
    /// The sorted union.
    Union,
    /// Each key by [`Rule::Latest`].
    PerKey,
}

macro_rules! fields {
    ($($(#[$doc:meta])* $name:ident = $code:literal $rule:ident,)*) => {
        /// A field of a trace, an observation or a score. The numbers stand on disk: never
        /// change one, only add.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[repr(u8)]
        pub enum Field { $($(#[$doc])* $name = $code,)* }

        impl Field {
            /// Every field, by code.
            pub const ALL: &[Field] = &[$(Field::$name,)*];

            /// The field with this code on disk.
            pub fn from_code(code: u8) -> Option<Field> {
                match code { $($code => Some(Field::$name),)* _ => None }
            }

            /// The code on disk.
            pub fn code(self) -> u8 {
                self as u8
            }

            /// How two values of it become one.
            pub fn rule(self) -> Rule {
                match self { $(Field::$name => Rule::$rule,)* }
            }
        }
    };
}

fields! {
    /// What an observation did. `Value::Kind`.
    Kind = 1 Latest,
    /// Name. `Value::Text`.
    Name = 2 Latest,
    /// The observation that called this one. `Value::Id`.
    Parent = 3 Latest,
    /// When it began. `Value::Time`.
    Start = 4 First,
    /// When it ended; absent while it is open. `Value::Time`.
    End = 5 Latest,
    /// When the first token came. `Value::Time`.
    CompletionStart = 6 Latest,
    /// How much it matters. `Value::Level`.
    Level = 7 Latest,
    /// Why it failed. `Value::Text`.
    StatusMessage = 8 Latest,
    /// Version of the code that sent it. `Value::Text`.
    Version = 9 Latest,
    /// Release of the application. `Value::Text`.
    Release = 10 Latest,
    /// Deployment environment. `Value::Text`.
    Environment = 11 First,
    /// Model, as the sender named it. `Value::Text`.
    Model = 12 Latest,
    /// Model parameters, as the JSON text that was given. `Value::Text`.
    ModelParameters = 13 Latest,
    /// Usage by key. `Value::Usage`.
    Usage = 14 Latest,
    /// Cost by key. `Value::Cost`.
    Cost = 15 Latest,
    /// Name of the prompt that was used. `Value::Text`.
    PromptName = 16 Latest,
    /// Version of the prompt that was used. `Value::Number`.
    PromptVersion = 17 Latest,
    /// Input payload. `Value::Payload`.
    Input = 18 Latest,
    /// Output payload. `Value::Payload`.
    Output = 19 Latest,
    /// Metadata. `Value::Map`.
    Metadata = 20 PerKey,
    /// Whatever the sender gave that has no field of its own. `Value::Map`.
    Attributes = 21 PerKey,
    /// The time of a trace or a score. `Value::Time`.
    Timestamp = 22 First,
    /// Who used the application. `Value::Text`.
    User = 23 Latest,
    /// The session that a trace belongs to. `Value::Id`.
    Session = 24 Latest,
    /// Tags. `Value::Tags`.
    Tags = 25 Union,
    /// Whether a trace may be seen without logging in. `Value::Bool`.
    Public = 26 Latest,
    /// What a score is about. `Value::Subject`.
    Subject = 27 Latest,
    /// What kind of value a score carries. `Value::ScoreType`.
    ScoreType = 28 Latest,
    /// The number of a numeric, boolean or categorical score. `Value::Float`.
    ScoreNumber = 29 Latest,
    /// The label or text of a score. `Value::Text`.
    ScoreText = 30 Latest,
    /// The better output of a correction. `Value::Payload`.
    Correction = 31 Latest,
    /// Who gave a score. `Value::Source`.
    ScoreSource = 32 Latest,
    /// A remark. `Value::Text`.
    Comment = 33 Latest,
    /// Id of the score's configuration. `Value::Text`.
    ConfigId = 34 Latest,
    /// Id of the annotation queue. `Value::Text`.
    QueueId = 35 Latest,
    /// Id of the author. `Value::Text`.
    AuthorId = 36 Latest,
    /// The trace of the judge itself. `Value::Text`.
    ExecutionTrace = 37 Latest,
    /// Another system's id of a trace. `Value::Text`.
    ExternalId = 38 Latest,
}
