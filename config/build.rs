//! Lists the files of the sample configuration, so that they are part of the program: `up` works
//! anywhere, `init` writes them out, and missing mail and chat templates are taken from them.

use std::{env, fmt::Write, fs, io, path::Path};

fn main() -> io::Result<()> {
    let manifest = env::var_os("CARGO_MANIFEST_DIR").expect("cargo sets it");
    let sample = Path::new(&manifest)
        .join("../static-config")
        .canonicalize()?;
    println!("cargo::rerun-if-changed={}", sample.display());
    let mut files = Vec::new();
    collect(&sample, "", &mut files)?;
    files.sort();
    let mut code = String::from("pub static FILES: &[(&str, &[u8])] = &[\n");
    for file in &files {
        let full = sample.join(file);
        let full = full.to_str().expect("the path of the workspace is UTF-8");
        writeln!(code, "    ({file:?}, include_bytes!({full:?})),").expect("writing to a String");
    }
    code.push_str("];\n");
    let out = env::var_os("OUT_DIR").expect("cargo sets it");
    fs::write(Path::new(&out).join("sample.rs"), code)
}

fn collect(folder: &Path, prefix: &str, files: &mut Vec<String>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let name = format!("{prefix}{}", entry.file_name().to_string_lossy());
        if entry.file_type()?.is_dir() {
            collect(&entry.path(), &format!("{name}/"), files)?;
        } else {
            files.push(name);
        }
    }
    Ok(())
}
