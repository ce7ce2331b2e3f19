//! Files of weights: whole, damaged and fetched from a bad server.

use std::io::Write as _;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use super::*;

/// A file of weights in the form of tiny, with nothing in its tensors but zeros; `change` makes it
/// another one by name of the field.
pub(in crate::models) struct Forge {
    header: [u32; 11],
    mels: [u32; 2],
    tokens: u32,
    tensors: Vec<(String, Vec<u32>, u32)>,
}

impl Forge {
    /// The smallest that passes: four layers of 64.
    pub(in crate::models) fn new() -> Forge {
        let mut tensors = Vec::new();
        let mut add =
            |name: &str, shape: &[u32], kind| tensors.push((name.to_owned(), shape.to_vec(), kind));
        add("encoder.positional_embedding", &[64, 1_500], 0);
        add("encoder.conv1.weight", &[3, 80, 64], 1);
        add("decoder.positional_embedding", &[64, 448], 0);
        add("decoder.token_embedding.weight", &[64, 51_864], 1);
        add("encoder.blocks.0.attn.query.weight", &[64, 64], 1);
        add("decoder.blocks.0.attn.query.weight", &[64, 64], 1);
        add("decoder.blocks.0.cross_attn.key.weight", &[64, 64], 1);
        // As many as whisper.cpp makes for four layers and four.
        for at in tensors.len()..11 + 4 * 15 + 4 * 24 {
            tensors.push((format!("other.{at}"), vec![64], 0));
        }
        let header = [51_864, 1_500, 64, 1, 4, 448, 64, 1, 4, 80, 1];
        Forge { header, mels: [80, 201], tokens: 3, tensors }
    }

    pub(in crate::models) fn bytes(&self) -> Vec<u8> {
        let mut out = Vec::new();
        let mut put = |number: u32| out.extend_from_slice(&number.to_le_bytes());
        put(MAGIC);
        self.header.iter().chain(&self.mels).for_each(|number| put(*number));
        out.resize(out.len() + 80 * 201 * 4, 0);
        out.extend_from_slice(&self.tokens.to_le_bytes());
        for _ in 0..self.tokens {
            out.extend_from_slice(&[2, 0, 0, 0, b'a', b'b']);
        }
        for (name, shape, kind) in &self.tensors {
            for number in [shape.len() as u32, name.len() as u32, *kind] {
                out.extend_from_slice(&number.to_le_bytes());
            }
            shape.iter().for_each(|side| out.extend_from_slice(&side.to_le_bytes()));
            out.extend_from_slice(name.as_bytes());
            let numbers: u32 = shape.iter().product();
            let (block, bytes) = block_of(*kind).unwrap_or((1, 1));
            out.resize(out.len() + (u64::from(numbers) / block * bytes) as usize, 0);
        }
        out
    }
}

fn inspected(bytes: &[u8]) -> Result<Weights, String> {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(bytes).unwrap();
    inspect(file.path()).map_err(|error| {
        let said = error.to_string();
        assert!(said.ends_with("NAME") && said.contains("cannot be used"), "{said}");
        said
    })
}

#[test]
fn a_whole_file_is_well_and_tells_its_languages() {
    let forge = Forge::new();
    let weights = inspected(&forge.bytes()).unwrap();
    assert!(!weights.is_multilingual && weights.encoder_layers == 4);
    let mut forge = Forge::new();
    forge.header[0] = 51_865;
    forge.tensors[3].1[1] = 51_865;
    assert!(inspected(&forge.bytes()).unwrap().is_multilingual);
}

#[test]
fn each_field_of_the_header_is_held_against_the_file() {
    for field in 0..11 {
        for wrong in [0, 1, 3, 65, 0xffff_ffff, 0x8000_0000] {
            let mut forge = Forge::new();
            if forge.header[field] == wrong {
                continue;
            }
            forge.header[field] = wrong;
            assert!(inspected(&forge.bytes()).is_err(), "field {field} as {wrong}");
        }
        // Off by little, too, and by one bit.
        for bit in 0..32 {
            let mut forge = Forge::new();
            forge.header[field] ^= 1 << bit;
            assert!(inspected(&forge.bytes()).is_err(), "field {field}, bit {bit}");
        }
    }
}

#[test]
fn what_is_cut_off_too_long_or_something_else_is_a_sentence() {
    let whole = Forge::new().bytes();
    let check = |bytes: &[u8], said: &str| {
        let error = inspected(bytes).unwrap_err();
        assert!(error.contains(said), "{said}: {error}");
    };
    check(b"", "no ggml file");
    check(b"lmg", "no ggml file");
    check(b"<!doctype html><html>", "no ggml file");
    for length in [4, 40, 48, 60, 64_000, whole.len() / 2, whole.len() - 1] {
        check(&whole[..length], "cut off");
    }
    check(&[&whole[..], &[0; 40]].concat(), "damaged");
    let noise: Vec<u8> =
        (0..100_000_u32).map(|at| (at.wrapping_mul(2_654_435_761) >> 9) as u8).collect();
    check(&noise, "no ggml file");
    check(&[&whole[..4], &noise].concat(), "in its header");
    let mut forge = Forge::new();
    forge.tensors.pop();
    check(&forge.bytes(), "tensors in place of 167");
    let mut forge = Forge::new();
    forge.tensors[3].1[1] = 51_865;
    check(&forge.bytes(), "does not fit its header");
    let mut forge = Forge::new();
    forge.tokens = 51_865;
    check(&forge.bytes(), "tokens of 51864");
    let mut forge = Forge::new();
    forge.mels = [80, 200];
    check(&forge.bytes(), "filters");
    let mut forge = Forge::new();
    forge.tensors[9].2 = 99;
    check(&forge.bytes(), "unknown kind 99");
    let mut forge = Forge::new();
    forge.tensors[9].2 = 8;
    forge.tensors[9].1 = vec![33];
    check(&forge.bytes(), "shape");
}

#[test]
fn the_folder_is_listed_by_name_and_what_is_no_weights_left_out() {
    let data = tempfile::tempdir().unwrap();
    assert!(installed(data.path()).unwrap().is_empty(), "no folder is no weights");
    let folder = data.path().join(FOLDER);
    std::fs::create_dir(&folder).unwrap();
    std::fs::write(folder.join("ggml-own.bin"), Forge::new().bytes()).unwrap();
    std::fs::write(folder.join("broken.bin"), b"x").unwrap();
    std::fs::write(folder.join("ggml-tiny.bin.part"), b"x").unwrap();
    std::fs::write(folder.join(".hidden.bin"), b"x").unwrap();
    let found = installed(data.path()).unwrap();
    let names: Vec<_> = found.iter().map(|one| (one.name.as_str(), one.weights.is_ok())).collect();
    assert_eq!(names, [("broken", false), ("own", true)]);
    assert_eq!(check(&found[1]).unwrap().len(), 64);
    assert!(check(&found[0]).is_err());
    assert_eq!(path_of(data.path(), "own").unwrap(), folder.join("ggml-own.bin"));
    assert_eq!(path_of(data.path(), "base").unwrap(), folder.join("ggml-base.bin"));
    let error = path_of(data.path(), "../x").unwrap_err().to_string();
    assert!(error.contains("There are: tiny, tiny.en"), "{error}");
}

#[test]
fn what_is_offered_is_well_formed() {
    for offer in &OFFERS {
        assert_eq!(offer.sha256.len(), 64, "{}", offer.name);
        assert!(
            offer.sha256.chars().all(|c| c.is_ascii_hexdigit()) && offer.size_bytes < BYTES_MAX
        );
        assert_eq!(offer.is_english_only(), offer.file().contains(".en"));
    }
    assert!(Url::parse(PUBLIC_BASE).unwrap().path().ends_with('/'));
}

#[expect(clippy::disallowed_methods, reason = "a server lives as long as its test")]
fn spawn(work: impl Future<Output = ()> + Send + 'static) {
    tokio::spawn(work);
}

/// A server of one file; notes what it was asked. It breaks off after `breaks_at` bytes, once.
async fn server(bytes: Vec<u8>, breaks_at: Option<usize>) -> (Url, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = Url::parse(&format!("http://{}/weights", listener.local_addr().unwrap())).unwrap();
    let asked = Arc::new(Mutex::new(Vec::new()));
    let notes = asked.clone();
    let served = AtomicUsize::new(0);
    spawn(async move {
        while let Ok((mut socket, _)) = listener.accept().await {
            let mut buffer = vec![0; 8_192];
            let read = socket.read(&mut buffer).await.unwrap_or(0);
            let head = String::from_utf8_lossy(&buffer[..read]).to_ascii_lowercase();
            let start = head
                .split_once("range: bytes=")
                .and_then(|(_, rest)| rest.split_once('-'))
                .and_then(|(start, _)| start.parse::<usize>().ok())
                .filter(|_| head.contains("if-range: \"one\""));
            notes.lock().unwrap().push(head);
            let (status, from) = match start {
                Some(start) => ("206 Partial Content", start),
                None => ("200 OK", 0),
            };
            let rest = &bytes[from..];
            let answer = format!(
                "HTTP/1.1 {status}\r\nETag: \"one\"\r\nContent-Length: {}\r\nContent-Range: bytes {from}-{}/{}\r\n\
                 Connection: close\r\n\r\n",
                rest.len(),
                bytes.len() - 1,
                bytes.len()
            );
            let _ = socket.write_all(answer.as_bytes()).await;
            let first = served.fetch_add(1, Ordering::SeqCst) == 0;
            let end = breaks_at.filter(|_| first).unwrap_or(rest.len());
            let _ = socket.write_all(&rest[..end]).await;
        }
    });
    (url, asked)
}

fn offer_of(bytes: &[u8]) -> Offer {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(bytes).unwrap();
    let sha256: &'static str = Box::leak(sha256(file.path()).unwrap().into_boxed_str());
    Offer { name: "small-test", size_bytes: bytes.len() as u64, sha256, about: "" }
}

#[tokio::test]
async fn weights_are_fetched_over_a_break_checked_and_put_in_place() {
    let bytes = Forge::new().bytes();
    let data = tempfile::tempdir().unwrap();
    let (base, asked) = server(bytes.clone(), Some(1_000_000)).await;
    let mut told = Vec::new();
    let mut progress = |there, whole| told.push((there, whole));
    let offer = offer_of(&bytes);
    let net = Net::new();
    let path = fetch_offer(&net, data.path(), &base, &offer, &mut progress).await.unwrap();
    assert_eq!(std::fs::read(&path).unwrap(), bytes);
    assert_eq!(path.file_name().unwrap(), "ggml-small-test.bin");
    let whole = bytes.len() as u64;
    assert_eq!(told.last(), Some(&(whole, Some(whole))));
    {
        let asked = asked.lock().unwrap();
        assert_eq!(asked.len(), 2);
        assert!(asked[0].starts_with("get /weights/ggml-small-test.bin "), "{}", asked[0]);
        assert!(asked[1].contains("range: bytes=1000000-"), "{}", asked[1]);
    }
    // What is there and whole is not asked for again, and nothing is left beside it.
    fetch_offer(&net, data.path(), &base, &offer, &mut |_, _| {}).await.unwrap();
    assert_eq!(asked.lock().unwrap().len(), 2);
    assert_eq!(std::fs::read_dir(data.path().join(FOLDER)).unwrap().count(), 1);
}

#[tokio::test]
async fn weights_with_another_hash_or_size_are_not_kept() {
    let bytes = Forge::new().bytes();
    let data = tempfile::tempdir().unwrap();
    let (base, _) = server(bytes.clone(), None).await;
    let net = Net::new();
    let check = async |offer: Offer, said: &str| {
        let error = fetch_offer(&net, data.path(), &base, &offer, &mut |_, _| {}).await;
        let error = error.unwrap_err().to_string();
        assert!(error.contains(said), "{said}: {error}");
        let left: Vec<_> = std::fs::read_dir(data.path().join(FOLDER)).unwrap().collect();
        assert!(left.len() <= 1, "{left:?}");
        assert!(!data.path().join(FOLDER).join(offer.file()).exists());
    };
    let right = offer_of(&bytes);
    check(Offer { sha256: OFFERS[0].sha256, ..right }, "and should be be07e048").await;
    check(Offer { size_bytes: right.size_bytes + 1, ..right }, "in place of").await;
    check(Offer { size_bytes: right.size_bytes - 1, ..right }, "larger than").await;
    let unknown = fetch(&net, data.path(), &base, "huge", &mut |_, _| {}).await.unwrap_err();
    assert!(unknown.to_string().contains("There are no weights called \"huge\""));
}
