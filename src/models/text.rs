//! The trait of everything that writes text to an order.

use async_trait::async_trait;
use serde_json::Value;

use super::{ModelError, Usage};

/// What a model is asked.
#[derive(Clone, Debug, PartialEq)]
pub struct Prompt {
    /// What it is to do; the same for each window of a recap.
    pub instructions: String,
    /// What it is to do it with.
    pub input: String,
    /// JSON schema of the answer, for servers that hold a model to one.
    pub schema: Value,
    /// Most tokens of the answer.
    pub answer_tokens_max: u64,
}

/// What it answered.
#[derive(Clone, Debug, PartialEq)]
pub struct Answer {
    /// The text, as it came.
    pub text: String,
    /// The model, as the server names it.
    pub model: String,
    /// What it took.
    pub usage: Usage,
}

/// Writes text to an order.
#[async_trait]
pub trait TextModel: Send + Sync {
    /// The name of the instance, as it stands in records and settings.
    fn name(&self) -> &str;

    /// The model that is asked for, as it stands in records.
    fn model(&self) -> &str;

    /// Tokens that prompt and answer may have together.
    ///
    /// # Errors
    /// Where the server is asked for it and does not answer.
    async fn window_tokens(&self) -> Result<u64, ModelError>;

    /// Asks. Dropping the future hangs up.
    ///
    /// # Errors
    /// Each of [`super::ModelFault`]; what passes by itself was tried again before. An answer that was
    /// cut off, and a prompt that the server cut, are errors and never answers.
    async fn ask(&self, prompt: &Prompt) -> Result<Answer, ModelError>;
}
