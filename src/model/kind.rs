//! Closed sets of words. The numbers stand on disk: never change one, only add.

macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident = $code:literal $text:literal,)* }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[repr(u8)]
        pub enum $name { $($(#[$vdoc])* $variant = $code,)* }

        impl $name {
            /// Every word, by code.
            pub const ALL: &[$name] = &[$($name::$variant,)*];

            /// The word with this code on disk.
            pub fn from_code(code: u8) -> Option<$name> {
                match code { $($code => Some($name::$variant),)* _ => None }
            }

            /// The code on disk.
            pub fn code(self) -> u8 {
                self as u8
            }

            /// The word as Langfuse writes it.
            pub fn as_str(self) -> &'static str {
                match self { $($name::$variant => $text,)* }
            }

            /// The word that is written like this, upper case.
            pub fn parse(text: &str) -> Option<$name> {
                match text { $($text => Some($name::$variant),)* _ => None }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.pad(self.as_str())
            }
        }
    };
}

words!(
    /// What a node of a trace did.
    ObservationKind {
        /// Work with a start and an end.
        Span = 1 "SPAN",
        /// A call of a model.
        Generation = 2 "GENERATION",
        /// Something that happened at one moment.
        Event = 3 "EVENT",
        /// An agent's run.
        Agent = 4 "AGENT",
        /// A tool call.
        Tool = 5 "TOOL",
        /// A chain of steps.
        Chain = 6 "CHAIN",
        /// A retrieval.
        Retriever = 7 "RETRIEVER",
        /// An evaluation.
        Evaluator = 8 "EVALUATOR",
        /// An embedding call.
        Embedding = 9 "EMBEDDING",
        /// A guardrail check.
        Guardrail = 10 "GUARDRAIL",
    }
);

words!(
    /// How much an observation matters.
    Level {
        /// Noise for developers.
        Debug = 1 "DEBUG",
        /// The ordinary level, and what an unset one reads as.
        Default = 2 "DEFAULT",
        /// Something to look at.
        Warning = 3 "WARNING",
        /// It failed.
        Error = 4 "ERROR",
    }
);

words!(
    /// What kind of value a score carries.
    ScoreType {
        /// A number.
        Numeric = 1 "NUMERIC",
        /// A label.
        Categorical = 2 "CATEGORICAL",
        /// True or false, as 1 or 0.
        Boolean = 3 "BOOLEAN",
        /// Free text.
        Text = 4 "TEXT",
        /// A better output.
        Correction = 5 "CORRECTION",
    }
);

words!(
    /// Who gave a score.
    ScoreSource {
        /// A program.
        Api = 1 "API",
        /// An evaluator of the platform.
        Eval = 2 "EVAL",
        /// A person.
        Annotation = 3 "ANNOTATION",
    }
);

words!(
    /// Whether a record was sent as the creation or as an update of its target. Of two records
    /// with one event time, the update wins.
    Operation {
        /// The first word about the target.
        Create = 0 "CREATE",
        /// A later word.
        Update = 1 "UPDATE",
    }
);
