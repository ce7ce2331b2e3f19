//! Files of Whisper weights (ggml) on this machine: which there are, what is in them, where they come
//! from. A file is checked before anything loads it: whisper.cpp ends its process where one field of the
//! header is wrong.

use std::fs::File;
use std::io::{BufReader, ErrorKind, Read};
use std::path::{Path, PathBuf};
use std::time::Duration;

use aws_lc_rs::digest::{Context, SHA256};
use url::Url;

use crate::net::{DownloadError, Net, Request, Trust};

/// Where weights are fetched from by default. It is whisper.cpp's own public place; nothing was ever
/// fetched from it while this was written, so names, sizes and hashes below are as others publish them.
pub const PUBLIC_BASE: &str = "https://huggingface.co/ggerganov/whisper.cpp/resolve/main/";

/// Folder of the weights below the data folder.
pub const FOLDER: &str = "models";

/// Largest file of weights; that of large-v3 has 3.1 GB.
const BYTES_MAX: u64 = 8 * 1024 * 1024 * 1024;

/// Longest that fetching one may take.
const FETCH_TIME: Duration = Duration::from_secs(12 * 3_600);

/// The first four bytes of every ggml file.
const MAGIC: u32 = 0x6767_6d6c;

/// Most letters of a token or of a tensor's name; real ones have fewer than 300.
const NAME_BYTES_MAX: u32 = 4_096;

/// Letters of a hash that are checked at a time.
const HASH_BLOCK_BYTES: usize = 1024 * 1024;

/// Weights that can be fetched by name.
#[derive(Clone, Copy, Debug)]
pub struct Offer {
    /// The name.
    pub name: &'static str,
    /// Exact size in bytes.
    pub size_bytes: u64,
    /// SHA-256 of the file, in hex.
    pub sha256: &'static str,
    /// What it is good for.
    pub about: &'static str,
}

impl Offer {
    /// The file's name, here and where it comes from.
    pub fn file(&self) -> String {
        format!("ggml-{}.bin", self.name)
    }

    /// Whether it knows English alone.
    pub fn is_english_only(&self) -> bool {
        self.name.ends_with(".en")
    }
}

/// What can be fetched. Only hashes that several independent lists give alike stand here.
pub const OFFERS: [Offer; 10] = [
    Offer {
        name: "tiny",
        size_bytes: 77_691_713,
        sha256: "be07e048e1e599ad46341c8d2a135645097a538221678b7acdd1b1919c6e1b21",
        about: "fastest; every language, with many mistakes outside the large ones",
    },
    Offer {
        name: "tiny.en",
        size_bytes: 77_704_715,
        sha256: "921e4cf8686fdd993dcd081a5da5b6c365bfde1162e72b08d75ac75289920b1f",
        about: "fastest; English alone, good on clear speech",
    },
    Offer {
        name: "base",
        size_bytes: 147_951_465,
        sha256: "60ed5bc3dd14eea856493d334349b405782ddcaf0028d4b5df4088345fba2efe",
        about: "every language; twice the time of tiny",
    },
    Offer {
        name: "base.en",
        size_bytes: 147_964_211,
        sha256: "a03779c86df3323075f5e796cb2ce5029f00ec8869eee3fdfb897afe36c6d002",
        about: "English alone; twice the time of tiny.en",
    },
    Offer {
        name: "small",
        size_bytes: 487_601_967,
        sha256: "1be3a9b2063867b937e64e2ec7483364a79917e157fa98c5d94b5c1fffea987b",
        about: "every language, good in the large ones; 1 GB of memory",
    },
    Offer {
        name: "small.en",
        size_bytes: 487_614_201,
        sha256: "c6138d6d58ecc8322097e0f987c32f1be8bb0a18532a3f88f734d1bbf9c41e5d",
        about: "English alone, accents and noise as well; 1 GB of memory",
    },
    Offer {
        name: "medium",
        size_bytes: 1_533_763_059,
        sha256: "6c14d5adee5f86394037b4e4e8b59f1673b6cee10e3cf0b11bbdbee79c156208",
        about: "every language; slow without a large processor, 2.5 GB of memory",
    },
    Offer {
        name: "large-v3",
        size_bytes: 3_095_033_483,
        sha256: "64d182b440b98d5203c4f9bd541544d84c605196c4f7b845dfa11fb23594d1e2",
        about: "every language, best of all; very slow, 4.5 GB of memory",
    },
    Offer {
        name: "large-v3-turbo",
        size_bytes: 1_624_555_275,
        sha256: "1fc70f774d38eb169993ac391eea357ef47c88757ef72ee5943879b7e8e2bc69",
        about: "every language, nearly as good as large-v3 in a quarter of its time",
    },
    Offer {
        name: "large-v3-turbo-q5_0",
        size_bytes: 574_041_195,
        sha256: "394221709cd5ad1f40c46e6031ca61bce88931e6e088c188294c6d5a55ffa7e2",
        about: "the same in a third of the memory",
    },
];

/// Why weights are not there or not fit.
#[derive(Debug, thiserror::Error)]
pub enum WeightsError {
    /// The file cannot be read.
    #[error(
        "The file of weights {file} could not be read: {source}. Check that it is there and may be read."
    )]
    Read {
        /// Its name.
        file: String,
        /// Why.
        source: std::io::Error,
    },
    /// It is not what it should be.
    #[error(
        "{file} cannot be used as weights: {why}. Delete it, and fetch it again with: recap models get NAME"
    )]
    Damaged {
        /// Its name.
        file: String,
        /// What is wrong with it.
        why: String,
    },
    /// Nobody knows this name.
    #[error("There are no weights called {name:?}. There are: {}.", names())]
    Unknown {
        /// The name.
        name: String,
    },
    /// They could not be fetched.
    #[error("The weights could not be fetched. {0}")]
    Download(#[from] DownloadError),
    /// The folder or the file cannot be written.
    #[error("The weights could not be kept in {}: {source}. Check the folder, its rights and the room on the disk.", folder.display())]
    Keep {
        /// The folder.
        folder: PathBuf,
        /// Why.
        source: std::io::Error,
    },
}

fn names() -> String {
    OFFERS.map(|offer| offer.name).join(", ")
}

/// What is in a file of weights.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Weights {
    /// Whether they know languages besides English.
    pub is_multilingual: bool,
    /// Layers of the encoder, by which the sizes are told: 4 tiny, 6 base, 12 small, 24 medium, 32 large.
    pub encoder_layers: u32,
    /// The length of the file, in bytes.
    pub size_bytes: u64,
}

/// A file of the folder.
#[derive(Debug)]
pub struct Installed {
    /// Its name without `ggml-` and `.bin`, as it is asked for.
    pub name: String,
    /// Where it is.
    pub path: PathBuf,
    /// What is in it, or what is wrong with it.
    pub weights: Result<Weights, WeightsError>,
}

/// The weights of a data folder, by name. A folder that is not there holds none.
///
/// # Errors
/// [`WeightsError::Keep`] where the folder cannot be read.
pub fn installed(data: &Path) -> Result<Vec<Installed>, WeightsError> {
    let folder = data.join(FOLDER);
    let failed = |source| WeightsError::Keep { folder: folder.clone(), source };
    let entries = match std::fs::read_dir(&folder) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        other => other.map_err(failed)?,
    };
    let mut found = Vec::new();
    for entry in entries {
        let path = entry.map_err(failed)?.path();
        let Some(file) = path.file_name().and_then(|name| name.to_str()) else { continue };
        let Some(stem) = file.strip_suffix(".bin").filter(|_| !file.starts_with('.')) else {
            continue;
        };
        let name = stem.strip_prefix("ggml-").unwrap_or(stem).to_owned();
        let weights = inspect(&path);
        found.push(Installed { name, path, weights });
    }
    found.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(found)
}

/// Where weights of a name are kept, whether they are there or not.
pub fn path_of(data: &Path, name: &str) -> Result<PathBuf, WeightsError> {
    let found = installed(data)?.into_iter().find(|one| one.name == name).map(|one| one.path);
    let offered = || offer(name).map(|offer| data.join(FOLDER).join(offer.file()));
    found.map_or_else(offered, Ok)
}

fn offer(name: &str) -> Result<&'static Offer, WeightsError> {
    OFFERS
        .iter()
        .find(|offer| offer.name == name)
        .ok_or_else(|| WeightsError::Unknown { name: name.to_owned() })
}

/// Fetches weights by name into the data folder; returns at once where they are there and whole.
/// `progress` hears bytes that are there and that there will be.
///
/// # Errors
/// Each of [`WeightsError`]. What has come stays in `<name>.part` for the next try, but for a whole file
/// with another hash, which is deleted.
pub async fn fetch(
    net: &Net,
    data: &Path,
    base: &Url,
    name: &str,
    progress: &mut (dyn FnMut(u64, Option<u64>) + Send),
) -> Result<PathBuf, WeightsError> {
    fetch_offer(net, data, base, offer(name)?, progress).await
}

async fn fetch_offer(
    net: &Net,
    data: &Path,
    base: &Url,
    offer: &Offer,
    progress: &mut (dyn FnMut(u64, Option<u64>) + Send),
) -> Result<PathBuf, WeightsError> {
    let folder = data.join(FOLDER);
    let path = folder.join(offer.file());
    let failed = |source| WeightsError::Keep { folder: folder.clone(), source };
    if verify(&path, offer).is_ok() {
        return Ok(path);
    }
    std::fs::create_dir_all(&folder).map_err(failed)?;
    let part = folder.join(format!("{}.part", offer.file()));
    let mut url = base.clone();
    // A base without its last stroke is a folder all the same.
    if let Ok(mut segments) = url.path_segments_mut() {
        segments.pop_if_empty().push(&offer.file());
    }
    let request = Request {
        trust: Trust::typed(&url),
        url,
        accept: "application/octet-stream, */*",
        cookie: None,
        bytes_max: BYTES_MAX.min(offer.size_bytes),
        deadline: FETCH_TIME,
    };
    net.download(&request, &part, progress).await?;
    if let Err(error) = verify(&part, offer) {
        // Going on with it would fail for ever.
        let _ = std::fs::remove_file(&part);
        return Err(error);
    }
    std::fs::rename(&part, &path).map_err(failed)?;
    Ok(path)
}

/// Whether a file is what was offered: size, header and hash.
fn verify(path: &Path, offer: &Offer) -> Result<(), WeightsError> {
    let damaged = |why: String| WeightsError::Damaged { file: name_of(path), why };
    let size = size_of(path)?;
    if size != offer.size_bytes {
        return Err(damaged(format!("it has {size} bytes in place of {}", offer.size_bytes)));
    }
    let hash = sha256(path)?;
    if hash != offer.sha256 {
        return Err(damaged(format!("its SHA-256 is {hash}, and should be {}", offer.sha256)));
    }
    inspect(path).map(|_| ())
}

/// Checks a file of the folder as closely as it can be: by its hash where its name is known, and always
/// by what is in it. Gives its hash.
///
/// # Errors
/// [`WeightsError::Read`], [`WeightsError::Damaged`].
pub fn check(one: &Installed) -> Result<String, WeightsError> {
    inspect(&one.path)?;
    let hash = sha256(&one.path)?;
    if let Ok(offer) = offer(&one.name)
        && offer.size_bytes == size_of(&one.path)?
        && offer.sha256 != hash
    {
        let why = format!("its SHA-256 is {hash}, and should be {}", offer.sha256);
        return Err(WeightsError::Damaged { file: name_of(&one.path), why });
    }
    Ok(hash)
}

fn name_of(path: &Path) -> String {
    path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned()
}

fn size_of(path: &Path) -> Result<u64, WeightsError> {
    let read = |source| WeightsError::Read { file: name_of(path), source };
    Ok(std::fs::metadata(path).map_err(read)?.len())
}

/// SHA-256 of a file, in hex.
fn sha256(path: &Path) -> Result<String, WeightsError> {
    let read = |source| WeightsError::Read { file: name_of(path), source };
    let mut file = File::open(path).map_err(read)?;
    let mut hash = Context::new(&SHA256);
    let mut block = vec![0; HASH_BLOCK_BYTES];
    loop {
        let length = file.read(&mut block).map_err(read)?;
        if length == 0 {
            break;
        }
        hash.update(&block[..length]);
    }
    Ok(base16ct::lower::encode_string(hash.finish().as_ref()))
}

/// Reads the header and walks over every tensor without loading one: each field of the header is held
/// against the tensors, so that what would end whisper.cpp's process is a sentence here. Damage within
/// the numbers themselves is told by a hash alone.
///
/// # Errors
/// [`WeightsError::Read`], [`WeightsError::Damaged`].
pub fn inspect(path: &Path) -> Result<Weights, WeightsError> {
    let failed = |source: std::io::Error| match source.kind() {
        ErrorKind::UnexpectedEof => {
            WeightsError::Damaged { file: name_of(path), why: "it is cut off".to_owned() }
        }
        _ => WeightsError::Read { file: name_of(path), source },
    };
    let file = File::open(path).map_err(failed)?;
    let size_bytes = file.metadata().map_err(failed)?.len();
    let mut walk = Walk { file: BufReader::new(file), left: size_bytes };
    let weights = walk.weights(size_bytes).map_err(failed)?;
    weights.map_err(|why| WeightsError::Damaged { file: name_of(path), why })
}

/// The header of a ggml file of Whisper.
#[derive(Debug)]
struct Header {
    vocabulary: u32,
    audio_context: u32,
    audio_state: u32,
    audio_heads: u32,
    audio_layers: u32,
    text_context: u32,
    text_state: u32,
    text_heads: u32,
    text_layers: u32,
    mels: u32,
    kind: u32,
}

/// Reads a file from its beginning to its end.
struct Walk {
    file: BufReader<File>,
    left: u64,
}

impl Walk {
    fn number(&mut self) -> std::io::Result<u32> {
        let mut bytes = [0; 4];
        self.file.read_exact(&mut bytes)?;
        self.left = self.left.saturating_sub(4);
        Ok(u32::from_le_bytes(bytes))
    }

    fn skip(&mut self, bytes: u64) -> std::io::Result<()> {
        let cut_off = || std::io::Error::from(ErrorKind::UnexpectedEof);
        self.left = self.left.checked_sub(bytes).ok_or_else(cut_off)?;
        self.file.seek_relative(i64::try_from(bytes).map_err(|_| cut_off())?)
    }

    fn text(&mut self, length: u32) -> std::io::Result<String> {
        let mut bytes = vec![0; length as usize];
        self.file.read_exact(&mut bytes)?;
        self.left = self.left.saturating_sub(u64::from(length));
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }

    /// The outer result is of reading, the inner of what was read.
    fn weights(&mut self, size_bytes: u64) -> std::io::Result<Result<Weights, String>> {
        if self.left < 4 || self.number()? != MAGIC {
            return Ok(Err("it is no ggml file".to_owned()));
        }
        let header = Header {
            vocabulary: self.number()?,
            audio_context: self.number()?,
            audio_state: self.number()?,
            audio_heads: self.number()?,
            audio_layers: self.number()?,
            text_context: self.number()?,
            text_state: self.number()?,
            text_heads: self.number()?,
            text_layers: self.number()?,
            mels: self.number()?,
            kind: self.number()?,
        };
        if let Err(why) = header.check() {
            return Ok(Err(why));
        }
        let (mels, bins) = (self.number()?, self.number()?);
        // 201 is what windows of 400 samples have.
        if mels != header.mels || bins != 201 {
            return Ok(Err(format!("its filters are {mels} by {bins}")));
        }
        self.skip(u64::from(mels) * u64::from(bins) * 4)?;
        let tokens = self.number()?;
        if tokens > header.vocabulary {
            return Ok(Err(format!("it lists {tokens} tokens of {}", header.vocabulary)));
        }
        for _ in 0..tokens {
            let length = self.number()?;
            if length > NAME_BYTES_MAX {
                return Ok(Err(format!("a token has {length} bytes")));
            }
            self.skip(u64::from(length))?;
        }
        self.tensors(&header, size_bytes)
    }

    fn tensors(
        &mut self,
        header: &Header,
        size_bytes: u64,
    ) -> std::io::Result<Result<Weights, String>> {
        let mut count = 0;
        while self.left > 0 {
            let (rank, name_length, kind) = (self.number()?, self.number()?, self.number()?);
            if !(1..=3).contains(&rank) || name_length > NAME_BYTES_MAX {
                return Ok(Err(format!("its tensor {count} is damaged")));
            }
            let mut shape = [1; 3];
            for side in &mut shape[..rank as usize] {
                *side = self.number()?;
            }
            let name = self.text(name_length)?;
            let Some((block, block_bytes)) = block_of(kind) else {
                return Ok(Err(format!("its tensor {count} is of the unknown kind {kind}")));
            };
            if let Err(why) = header.check_tensor(&name, shape, kind) {
                return Ok(Err(why));
            }
            let numbers =
                shape.iter().try_fold(1_u64, |all, side| all.checked_mul(u64::from(*side)));
            let bytes = numbers
                .filter(|numbers| numbers % block == 0)
                .and_then(|numbers| (numbers / block).checked_mul(block_bytes));
            let Some(bytes) = bytes else {
                return Ok(Err(format!("the shape of its tensor {count} is damaged")));
            };
            self.skip(bytes)?;
            count += 1;
        }
        // What whisper.cpp creates from the header, and wants to find in the file.
        let wanted = 11 + u64::from(header.audio_layers) * 15 + u64::from(header.text_layers) * 24;
        if count != wanted {
            return Ok(Err(format!("it has {count} tensors in place of {wanted}")));
        }
        Ok(Ok(Weights {
            is_multilingual: header.vocabulary >= MULTILINGUAL_VOCABULARY,
            encoder_layers: header.audio_layers,
            size_bytes,
        }))
    }
}

/// Tokens from which on a vocabulary is that of many languages; the English one has one less.
const MULTILINGUAL_VOCABULARY: u32 = 51_865;

impl Header {
    /// Whether it can be one of Whisper's at all.
    fn check(&self) -> Result<(), String> {
        let wrong = |what: &str, number: u32| Err(format!("{what} in its header is {number}"));
        if !(51_864..=51_866).contains(&self.vocabulary) {
            return wrong("the vocabulary", self.vocabulary);
        }
        // Whisper's windows are 30 s and its answers 448 tokens, at every size.
        if self.audio_context != 1_500 {
            return wrong("the audio context", self.audio_context);
        }
        if self.text_context != 448 {
            return wrong("the text context", self.text_context);
        }
        for (what, state, heads) in [
            ("the state of the encoder", self.audio_state, self.audio_heads),
            ("the state of the decoder", self.text_state, self.text_heads),
        ] {
            if !(64..=4_096).contains(&state) || state != heads.saturating_mul(64) {
                return Err(format!("{what} in its header is {state} with {heads} heads"));
            }
        }
        // By the number of the encoder's layers whisper.cpp chooses the size of its buffers.
        if ![4, 6, 12, 24, 32].contains(&self.audio_layers) {
            return wrong("the number of the encoder's layers", self.audio_layers);
        }
        if !(1..=64).contains(&self.text_layers) {
            return wrong("the number of the decoder's layers", self.text_layers);
        }
        if ![80, 128].contains(&self.mels) {
            return wrong("the number of mel bands", self.mels);
        }
        // Thousands count the version of the quantisation.
        if self.kind / 1_000 > 2 || self.tensor_kind().is_none() {
            return wrong("the kind of numbers", self.kind);
        }
        Ok(())
    }

    /// The kind of most tensors, by the kind of the file (`ggml_ftype`).
    fn tensor_kind(&self) -> Option<u32> {
        Some(match self.kind % 1_000 {
            0 => 0,
            1 => 1,
            2 => 2,
            3 => 3,
            7 => 8,
            8 => 6,
            9 => 7,
            kind @ 10..=14 => kind,
            _ => return None,
        })
    }

    /// Whether a tensor has the shape that the header makes of it.
    fn check_tensor(&self, name: &str, shape: [u32; 3], kind: u32) -> Result<(), String> {
        let (audio, text) = (self.audio_state, self.text_state);
        let wanted = match name {
            "encoder.positional_embedding" => [audio, self.audio_context, 1],
            "encoder.conv1.weight" => [3, self.mels, audio],
            "encoder.blocks.0.attn.query.weight" => [audio, audio, 1],
            "decoder.positional_embedding" => [text, self.text_context, 1],
            "decoder.token_embedding.weight" => [text, self.vocabulary, 1],
            "decoder.blocks.0.attn.query.weight" => [text, text, 1],
            "decoder.blocks.0.cross_attn.key.weight" => [audio, text, 1],
            _ => return Ok(()),
        };
        if shape != wanted {
            return Err(format!("its tensor {name} does not fit its header"));
        }
        let is_told_by_kind = name.ends_with("attn.query.weight");
        if is_told_by_kind && Some(kind) != self.tensor_kind() {
            return Err(format!("the kind of numbers in its header is {}", self.kind));
        }
        Ok(())
    }
}

/// Numbers of a block, and its bytes, by a tensor's kind (`ggml_type`).
fn block_of(kind: u32) -> Option<(u64, u64)> {
    Some(match kind {
        0 => (1, 4),
        1 => (1, 2),
        2 => (32, 18),
        3 => (32, 20),
        6 => (32, 22),
        7 => (32, 24),
        8 => (32, 34),
        10 => (256, 84),
        11 => (256, 110),
        12 => (256, 144),
        13 => (256, 176),
        14 => (256, 210),
        _ => return None,
    })
}

#[cfg(test)]
pub(super) mod tests;
