//! Servers: what stands around a container on its network, and a small database.

use crate::act::{Act, Args, Told};
use crate::sys::{self, nr};
use std::fs::{self, File, OpenOptions};
use std::io::{self, BufRead as _, BufReader, Write as _};
use std::net::{TcpListener, TcpStream};
use std::time::Duration;

pub const ACTS: &[Act] = &[("answer", answer), ("orders", orders), ("database", database)];

/// Answers every line with `ok`, until the other side is done.
fn converse(stream: TcpStream) -> io::Result<()> {
    let mut writer = stream.try_clone()?;
    for line in BufReader::new(stream).lines() {
        line?;
        writer.write_all(b"ok\n")?;
    }
    Ok(())
}

/// `answer ADDR:PORT...`: whatever calls there is answered, line by line, for ever.
fn answer(args: &Args) -> Told {
    let listeners: Vec<TcpListener> = args.0.iter().map(TcpListener::bind).collect::<io::Result<_>>()?;
    std::thread::scope(|scope| {
        for listener in &listeners {
            scope.spawn(move || {
                for stream in listener.incoming().flatten() {
                    // Who hangs up in between is no concern of the server's.
                    std::thread::spawn(move || converse(stream));
                }
            });
        }
    });
    Ok("served".to_owned())
}

/// `orders ADDR:PORT LINE...`: each caller gets these lines, as somebody would type them who waits for an answer.
fn orders(args: &Args) -> Told {
    for stream in TcpListener::bind(args.text(0)?)?.incoming() {
        let mut stream = stream?;
        for line in &args.0[1..] {
            std::thread::sleep(Duration::from_millis(300));
            writeln!(stream, "{line}")?;
        }
        io::copy(&mut stream, &mut io::sink())?;
    }
    Ok("served".to_owned())
}

/// `database DIR ADDR:PORT N`: starts as databases do (gives up root, opens its files, listens), takes N rows from a
/// client of its own, each to a log that is made durable, and then makes a checkpoint.
fn database(args: &Args) -> Told {
    let (log, data) = (args.below("wal")?, args.below("data")?);
    fs::write(&data, vec![0; 64 << 10])?;
    for path in [args.text(0)?.as_ref(), data.as_path()] {
        std::os::unix::fs::chown(path, Some(999), Some(999))?;
    }
    sys::need("setgid", sys::plain(nr::SETGID, [999]))?;
    sys::need("setuid", sys::plain(nr::SETUID, [999]))?;
    let listener = TcpListener::bind(args.text(1)?)?;
    let (rows, to) = (args.number(2)?, listener.local_addr()?);
    let client = std::thread::spawn(move || -> io::Result<()> {
        let stream = TcpStream::connect(to)?;
        let mut answers = BufReader::new(stream.try_clone()?).lines();
        for row in 0..rows {
            writeln!(&stream, "insert {row}")?;
            answers.next().transpose()?;
        }
        Ok(())
    });
    let mut wal = OpenOptions::new().create(true).append(true).open(&log)?;
    let (stream, _) = listener.accept()?;
    let mut writer = stream.try_clone()?;
    for line in BufReader::new(stream).lines() {
        writeln!(wal, "{}", line?)?;
        wal.sync_data()?;
        writer.write_all(b"ok\n")?;
    }
    client.join().map_err(|_| io::Error::other("the client failed"))??;
    let next = args.below("data.next")?;
    let mut file = File::create(&next)?;
    file.write_all(&fs::read(&data)?)?;
    file.write_all(&fs::read(&log)?)?;
    file.sync_all()?;
    fs::rename(&next, &data)?;
    fs::remove_file(&log)?;
    Ok(format!("rows={rows} data={}", data.display()))
}
