//! Files that somebody made to harm whoever opens them: refused, each by what is wrong with it.

use crate::support::{bytes, members, places, signed, with_member, zipped};
use arrow_array::cast::AsArray as _;
use arrow_array::{
    Array as _, ArrayRef, BinaryArray, BooleanArray, DictionaryArray, Int32Array, ListArray, RecordBatch, StringArray,
    UInt32Array,
};
use arrow_buffer::OffsetBuffer;
use arrow_schema::Field;
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_writer::ArrowWriterOptions;
use parquet::basic::{Compression, Encoding, ZstdLevel};
use parquet::file::metadata::{ParquetMetaDataReader, ParquetMetaDataWriter};
use parquet::file::properties::{EnabledStatistics, WriterProperties, WriterPropertiesBuilder};
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use taffrail_trace::bundle::{Bundle, Columns, MANIFEST, OpenError, SUMS, Verdict};
use taffrail_trace::fixture;
use taffrail_trace::recall::Recall;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

/// Why the file with these bytes is not opened.
fn refused(dir: &Path, bytes: &[u8]) -> String {
    let path = dir.join("hostile.evidence.zip");
    fs::write(&path, bytes).expect("written");
    match Bundle::open(&path) {
        Err(error) => error.to_string(),
        Ok(_) => panic!("it was opened"),
    }
}

/// The bytes of a ZIP of these members.
fn zip_of(dir: &Path, all: &[(&str, &[u8])]) -> Vec<u8> {
    let path = dir.join("made.zip");
    zipped(&path, &all.iter().map(|(name, bytes)| ((*name).to_owned(), bytes.to_vec())).collect::<Vec<_>>());
    fs::read(&path).expect("the ZIP")
}

#[test]
fn a_name_that_leads_elsewhere_is_refused() {
    let dir = tempfile::tempdir().expect("a directory");
    for name in
        ["../evil", "/etc/passwd", "events/../../x", "a/./b", ".ssh", "events//x", "C:\\x", "new\nline", "\u{202e}x"]
    {
        let said = refused(dir.path(), &zip_of(dir.path(), &[(MANIFEST, b"{}"), (name, b"x")]));
        assert!(said.contains("is not one of ours"), "{said}");
        assert!(!said.contains('\n') && !said.contains('\u{202e}'), "{said:?}");
    }
}

#[test]
fn a_bomb_is_refused_before_anything_of_it_is_unpacked() {
    let dir = tempfile::tempdir().expect("a directory");
    let path = fixture::write_incident(dir.path());
    let whole = fs::read(&path).expect("bytes");
    // Deflate, as far as the headers say: what is behind them is not looked at.
    let mut bomb = whole.clone();
    let entry = places(&whole, b"PK\x01\x02")[1];
    bomb[entry + 10] = 8;
    assert!(refused(dir.path(), &bomb).contains("compressed"));
    let mut encrypted = whole.clone();
    encrypted[entry + 8] = 1;
    assert!(refused(dir.path(), &encrypted).contains("encrypted"));
}

#[test]
fn more_members_than_a_bundle_has_are_refused_by_their_number() {
    let dir = tempfile::tempdir().expect("a directory");
    let names: Vec<String> = (0..300).map(|at| format!("m{at}")).collect();
    let all: Vec<(&str, &[u8])> = names.iter().map(|name| (name.as_str(), &b""[..])).collect();
    assert!(refused(dir.path(), &zip_of(dir.path(), &all)).contains("300 members, more than 256"));
}

#[test]
fn members_that_share_bytes_or_names_are_refused() {
    let dir = tempfile::tempdir().expect("a directory");
    let whole = zip_of(dir.path(), &[(MANIFEST, b"{}"), ("aa", b"first"), ("bb", b"other")]);
    let entries = places(&whole, b"PK\x01\x02");
    // The second and the third begin at the same place.
    let mut overlapping = whole.clone();
    let at: [u8; 4] = whole[entries[1] + 42..][..4].try_into().expect("four");
    overlapping[entries[2] + 42..][..4].copy_from_slice(&at);
    let said = refused(dir.path(), &overlapping);
    assert!(said.contains("overlaps") || said.contains("says something else"), "{said}");
    // The same name twice, in the directory and before each of them.
    let mut twice = whole.clone();
    for at in places(&whole, b"bb") {
        twice[at..at + 2].copy_from_slice(b"aa");
    }
    assert!(refused(dir.path(), &twice).contains("member aa is there twice"));
    // A name that only one of two readers sees.
    let mut cloaked = whole.clone();
    let local = places(&whole, b"aa")[0];
    cloaked[local..local + 2].copy_from_slice(b"zz");
    assert!(refused(dir.path(), &cloaked).contains("says something else than the directory"));
}

#[test]
fn a_member_beyond_the_end_and_hidden_bytes_are_refused() {
    let dir = tempfile::tempdir().expect("a directory");
    let whole = zip_of(dir.path(), &[(MANIFEST, b"{}"), ("aa", b"first")]);
    let entry = places(&whole, b"PK\x01\x02")[1];
    for len in [u32::MAX - 1, 0x7FFF_FFFF, 1000] {
        let mut long = whole.clone();
        long[entry + 20..][..4].copy_from_slice(&len.to_le_bytes());
        long[entry + 24..][..4].copy_from_slice(&len.to_le_bytes());
        assert!(refused(dir.path(), &long).contains("beyond the end"), "{len}");
    }
    let mut two = whole.clone();
    two[entry + 20] ^= 1;
    assert!(refused(dir.path(), &two).contains("two different lengths"));
    let before = [&b"hidden"[..], &whole].concat();
    assert!(refused(dir.path(), &before).contains("directory"));
    let behind = [&whole[..], b"hidden"].concat();
    assert!(refused(dir.path(), &behind).contains("truncated"));
    let mut empty = ZipWriter::new(fs::File::create(dir.path().join("comment")).expect("a file"));
    let options = SimpleFileOptions::default().compression_method(CompressionMethod::Stored);
    empty.start_file(MANIFEST, options).expect("a member");
    empty.write_all(b"{}").expect("written");
    empty.set_comment("hidden").expect("a comment");
    empty.finish().expect("a ZIP");
    let comment = fs::read(dir.path().join("comment")).expect("the ZIP");
    assert!(refused(dir.path(), &comment).contains("truncated"));
}

#[test]
fn a_file_cut_short_is_told_from_one_that_never_was_a_bundle() {
    let dir = tempfile::tempdir().expect("a directory");
    let whole = fs::read(signed(dir.path())).expect("bytes");
    for part in 1..20 {
        let said = refused(dir.path(), &whole[..whole.len() * part / 20]);
        assert!(said.contains("truncated"), "{said}");
    }
    for foreign in
        [&b""[..], b"PK", b"PK\x05\x06", &[0x7f; 5000], b"PK\x03\x04 another archive altogether, and long enough"]
    {
        assert!(refused(dir.path(), foreign).contains("not an evidence bundle"));
    }
    assert!(matches!(Bundle::open(dir.path()), Err(OpenError::NotABundle { .. })));
    assert!(matches!(Bundle::open(&dir.path().join("none")), Err(OpenError::Io { .. })));
}

#[test]
fn a_manifest_that_is_none_or_endless_or_of_the_future_is_refused() {
    let dir = tempfile::tempdir().expect("a directory");
    let deep = [vec![b'['; 100_000], vec![b']'; 100_000]].concat();
    for text in [&b""[..], b"{}", b"null", b"{\"format_version\":1}", b"{\"format_version\":-1}", &deep] {
        let said = refused(dir.path(), &zip_of(dir.path(), &[(MANIFEST, text)]));
        assert!(said.contains("manifest.json cannot be read"), "{said}");
        assert!(said.len() < 500, "{said}");
    }
    let long = vec![b' '; (16 << 20) + 1];
    assert!(refused(dir.path(), &zip_of(dir.path(), &[(MANIFEST, &long)])).contains("more than 16777216"));
    let future = refused(dir.path(), &zip_of(dir.path(), &[(MANIFEST, b"{\"format_version\":4000}")]));
    assert!(future.contains("newer than this program"), "{future}");
}

#[test]
fn a_manifest_whose_digest_is_wrong_is_named() {
    let dir = tempfile::tempdir().expect("a directory");
    let path = signed(dir.path());
    let changed = with_member(&path, MANIFEST, |text| {
        let at = places(text, b"web")[0];
        text[at] = b'x';
    });
    let verdict = Bundle::open(&changed).expect("a bundle").verify().expect("a verdict");
    let Verdict::Altered(wrong) = verdict else { panic!("{verdict:?}") };
    assert_eq!(format!("{wrong:?}"), "[Changed(\"manifest.json\")]");
    let lines = with_member(&path, SUMS, |text| text.splice(0..10, *b"no line is").for_each(drop));
    let Ok(Verdict::Altered(wrong)) = Bundle::open(&lines).expect("a bundle").verify() else { panic!("altered") };
    assert!(!wrong.is_empty());
}

/// The incident with one table's member replaced, and its sums made anew: only the Parquet itself is wrong.
fn with_table(dir: &Path, member: &str, parquet: &[u8]) -> PathBuf {
    use sha2::{Digest as _, Sha256};
    let mut all = members(&fixture::write_incident(dir));
    all.retain(|(name, _)| name != SUMS);
    for (_, bytes) in all.iter_mut().filter(|(name, _)| name == member) {
        *bytes = parquet.to_vec();
    }
    let sums: String = all
        .iter()
        .map(|(name, bytes)| format!("{}  {name}\n", taffrail_trace::text::hex(&Sha256::digest(bytes))))
        .collect();
    all.push((SUMS.to_owned(), sums.into_bytes()));
    let path = dir.join("lying.evidence.zip");
    zipped(&path, &all);
    path
}

#[test]
fn a_parquet_that_lies_about_its_lengths_is_refused_by_name() {
    let dir = tempfile::tempdir().expect("a directory");
    let bundle = Bundle::open(&fixture::write_incident(dir.path())).expect("a bundle");
    let gap = bytes(&bundle, "events/gap.parquet");
    let footer_at = gap.len() - 8;
    let mut tried = 0;
    for (what, parquet) in [
        ("an empty one", Vec::new()),
        ("a foreign one", vec![b'x'; 500]),
        ("a footer longer than the file", {
            let mut longer = gap.clone();
            longer[footer_at..footer_at + 4].copy_from_slice(&u32::MAX.to_le_bytes());
            longer
        }),
        ("a footer of another length", {
            let mut shorter = gap.clone();
            shorter[footer_at] = shorter[footer_at].wrapping_sub(9);
            shorter
        }),
        ("the first half", gap[..gap.len() / 2].to_vec()),
        ("the footer alone", gap[gap.len() / 2..].to_vec()),
    ] {
        let path = with_table(dir.path(), "events/gap.parquet", &parquet);
        let bundle = Bundle::open(&path).expect("a bundle");
        assert!(matches!(bundle.verify(), Ok(Verdict::Intact(_))), "{what}: its sums are right");
        let error = bundle.prove().expect_err(what).to_string();
        assert!(error.contains("events/gap.parquet cannot be read as Parquet"), "{what}: {error}");
        tried += 1;
    }
    assert_eq!(tried, 6);
}

/// The Parquet with a footer that states `more` bytes more of its first column than there are.
fn with_more_bytes(parquet: &[u8], more: i64) -> Vec<u8> {
    let (data, end) = parquet.split_at(parquet.len() - 8);
    let footer_at = data.len() - u32::from_le_bytes(end[..4].try_into().expect("four")) as usize;
    let mut metadata = ParquetMetaDataReader::decode_metadata(&data[footer_at..]).expect("a footer").into_builder();
    let mut groups = metadata.take_row_groups();
    let mut columns = groups[0].columns().to_vec();
    let longer = columns[0].compressed_size() + more;
    columns[0] = columns[0].clone().into_builder().set_total_compressed_size(longer).build().expect("a column");
    groups[0] = groups[0].clone().into_builder().set_column_metadata(columns).build().expect("a row group");
    let mut bytes = data[..footer_at].to_vec();
    let lying = metadata.set_row_groups(groups).build();
    ParquetMetaDataWriter::new(&mut bytes, &lying).finish().expect("a footer");
    bytes
}

/// A few bytes of Parquet that unpack to texts of that length in so many rows, again and again in so many columns.
fn bomb(columns: usize, rows: usize, text_len: usize) -> Vec<u8> {
    let text: ArrayRef = Arc::new(StringArray::from(vec!["a".repeat(text_len); rows]));
    let names: Vec<String> = (0..columns).map(|at| format!("c{at}")).collect();
    let all = names.iter().map(|name| (name.as_str(), Arc::clone(&text)));
    let batch = RecordBatch::try_from_iter(all).expect("a batch");
    let properties = WriterProperties::builder()
        .set_compression(Compression::ZSTD(ZstdLevel::default()))
        .set_dictionary_enabled(false)
        .set_statistics_enabled(EnabledStatistics::None)
        .build();
    let mut writer = ArrowWriter::try_new(Vec::new(), batch.schema(), Some(properties)).expect("a writer");
    writer.write(&batch).expect("written");
    writer.into_inner().expect("Parquet")
}

/// Why nobody who reads rows takes this for a table.
fn refused_by_everybody(dir: &Path, parquet: &[u8]) -> String {
    let member = "events/gap.parquet";
    let bundle = Bundle::open(&with_table(dir, member, parquet)).expect("a bundle");
    let errors = [
        bundle.rows(member).expect_err("rows"),
        bundle.batches(member, 1, 1).err().expect("batches"),
        bundle.sheet(member).expect_err("a sheet"),
        bundle.prove().expect_err("a proof"),
    ];
    let [error, ..] = errors.map(|error| error.to_string());
    assert!(error.contains("events/gap.parquet cannot be read as Parquet"), "{error}");
    error
}

#[test]
fn a_page_that_unpacks_to_more_than_a_recorder_packs_is_refused_before_it_is_unpacked() {
    let dir = tempfile::tempdir().expect("a directory");
    // A page that is too large, and one that is not, but for its single value.
    for (columns, len, said) in [
        (1, 33 << 20, "says that it unpacks to 34603012 bytes"),
        (1, 31 << 20, "says that 1 values unpack to 32505860 bytes"),
    ] {
        let parquet = bomb(columns, 1, len);
        assert!(parquet.len() < 100_000, "{}", parquet.len());
        let error = refused_by_everybody(dir.path(), &parquet);
        assert!(error.contains(said), "{error}");
    }
    // Texts and pages that are each as they may be, but seventeen columns of them.
    let parquet = bomb(17, 2_000, 32 << 10);
    assert!(parquet.len() < 1_000_000, "{}", parquet.len());
    let error = refused_by_everybody(dir.path(), &parquet);
    assert!(error.contains("a row group that no recorder writes"), "{error}");
    let fine = Bundle::open(&with_table(dir.path(), "events/gap.parquet", &bomb(2, 1, 32 << 10))).expect("a bundle");
    assert_eq!(fine.rows("events/gap.parquet").expect("the longest text"), 1);
}

#[test]
fn a_list_of_more_items_than_there_is_room_for_is_refused_before_it_is_unpacked() {
    let dir = tempfile::tempdir().expect("a directory");
    let items = BooleanArray::from(vec![true; 70_000_000]);
    let offsets = OffsetBuffer::from_lengths([items.len()]);
    let item = Arc::new(Field::new_list_field(items.data_type().clone(), false));
    let list: ArrayRef = Arc::new(ListArray::new(item, offsets, Arc::new(items), None));
    let parquet = packed(&RecordBatch::try_from_iter([("list", list)]).expect("a batch"), WriterProperties::builder());
    assert!(parquet.len() < 100_000, "{}", parquet.len());
    let error = refused_by_everybody(dir.path(), &parquet);
    assert!(error.contains("its pages unpack to") && error.contains("together"), "{error}");
}

#[test]
fn texts_that_repeat_the_beginning_of_those_before_them_are_refused() {
    let dir = tempfile::tempdir().expect("a directory");
    let text: ArrayRef = Arc::new(StringArray::from(vec!["a".repeat(20_000); 5_000]));
    let batch = RecordBatch::try_from_iter([("text", text)]).expect("a batch");
    let properties = WriterProperties::builder().set_dictionary_enabled(false);
    let parquet = packed(&batch, properties.set_encoding(Encoding::DELTA_BYTE_ARRAY));
    let error = refused_by_everybody(dir.path(), &parquet);
    assert!(error.contains("DELTA_BYTE_ARRAY"), "{error}");
}

/// Parquet of one batch, whose texts are words and keys, which the file does not say.
fn packed(batch: &RecordBatch, properties: WriterPropertiesBuilder) -> Vec<u8> {
    let properties = properties
        .set_compression(Compression::ZSTD(ZstdLevel::default()))
        .set_dictionary_page_size_limit(64 << 20)
        .set_statistics_enabled(EnabledStatistics::None)
        .build();
    let options = ArrowWriterOptions::new().with_properties(properties).with_skip_arrow_metadata(true);
    let mut writer = ArrowWriter::try_new_with_options(Vec::new(), batch.schema(), options).expect("a writer");
    writer.write(batch).expect("written");
    writer.into_inner().expect("Parquet")
}

/// Parquet of so many rows, in each of which every column has this text: once in the file, and so many times in a list.
fn repeated(text: &str, rows: usize, items: usize) -> Vec<u8> {
    let words = StringArray::from(vec![text]);
    let texts = |times: usize| DictionaryArray::new(Int32Array::from(vec![0; times]), Arc::new(words.clone()));
    let (texts, listed) = (texts(rows), texts(rows * items));
    let bytes = DictionaryArray::new(texts.keys().clone(), Arc::new(BinaryArray::from(vec![text.as_bytes()])));
    let item = Arc::new(Field::new_list_field(texts.data_type().clone(), false));
    let lists = ListArray::new(item, OffsetBuffer::from_repeated_length(items, rows), Arc::new(listed), None);
    let all: [(&str, ArrayRef); 3] = [("text", Arc::new(texts)), ("bytes", Arc::new(bytes)), ("list", Arc::new(lists))];
    packed(&RecordBatch::try_from_iter(all).expect("a batch"), WriterProperties::builder())
}

#[test]
fn a_long_text_that_a_small_file_repeats_is_given_a_few_rows_at_a_time() {
    let dir = tempfile::tempdir().expect("a directory");
    let (text, rows) = ("a".repeat(32 << 10), 8_000);
    let parquet = repeated(&text, rows, 1);
    assert!(parquet.len() < 20_000, "{}", parquet.len());
    let bundle = Bundle::open(&with_table(dir.path(), "events/gap.parquet", &parquet)).expect("a bundle");
    let mut given = Vec::new();
    let mut look = |batch: RecordBatch| {
        let bytes: usize = batch.columns().iter().map(|column| column.get_buffer_memory_size()).sum();
        assert!(bytes <= 65 << 20, "{bytes} bytes at once");
        let kinds: Vec<String> = batch.columns().iter().map(|column| column.data_type().to_string()).collect();
        assert_eq!(kinds[..2], ["Utf8", "Binary"], "{kinds:?}");
        assert_eq!(kinds[2], "List(non-null Utf8)");
        assert!(batch.column(0).as_string::<i32>().iter().all(|found| found == Some(&*text)));
        assert!(batch.column(1).as_binary::<i32>().iter().all(|found| found == Some(text.as_bytes())));
        let items = batch.column(2).as_list::<i32>().values().clone();
        assert!(items.len() == batch.num_rows() && items.as_string::<i32>().iter().all(|found| found == Some(&*text)));
        given.push(batch.num_rows());
        Ok::<(), OpenError>(())
    };
    bundle.each_batch("events/gap.parquet", usize::MAX, &mut look).expect("rows");
    let sheet = bundle.sheet("events/gap.parquet").expect("Parquet").expect("a sheet");
    sheet.each_batch(std::slice::from_ref(&(0..rows)), None, &mut look).expect("rows");
    assert_eq!(given.iter().sum::<usize>(), 2 * rows);
    assert!(given.len() > 20, "{given:?}");
    // More than a recorder writes is refused at once, and so is a longer text, however often it is there.
    let endless = with_table(dir.path(), "events/gap.parquet", &repeated(&text, 5_000, 5));
    let mut batches =
        Bundle::open(&endless).expect("a bundle").batches("events/gap.parquet", usize::MAX, 8_192).expect("rows");
    let error = batches.next().expect("a batch").expect_err("too long").to_string();
    assert!(error.contains("the texts of 5000 rows are"), "{error}");
    assert!(batches.next().is_none(), "the first error is the last word");
    let error = refused_by_everybody(dir.path(), &repeated(&"a".repeat((32 << 10) + 1), 1, 1));
    assert!(error.contains("a word of 32769 bytes, more than 32768"), "{error}");
}

#[test]
fn a_gap_whose_cause_is_no_word_is_refused_and_not_held_as_often_as_it_is_there() {
    let dir = tempfile::tempdir().expect("a directory");
    let member = "events/gap.parquet";
    let truth = Bundle::open(&fixture::write_incident(dir.path())).expect("a bundle");
    let mut rows = Vec::new();
    truth.each_batch::<OpenError>(member, 1, &mut |batch| Ok(rows.push(batch))).expect("a gap");
    let (row, times) = (&rows[0], 700);
    let again = UInt32Array::from(vec![0; times]);
    let long = StringArray::from(vec!["x".repeat(30_000)]);
    let schema = row.schema();
    let columns = schema.fields().iter().zip(row.columns()).map(|(field, column)| {
        let repeated: ArrayRef = match field.name().as_str() {
            "cause" => Arc::new(DictionaryArray::new(Int32Array::from(vec![0; times]), Arc::new(long.clone()))),
            _ => arrow_select::take::take(column, &again, None).expect("rows"),
        };
        (field.name().clone(), repeated, field.is_nullable())
    });
    let batch = RecordBatch::try_from_iter_with_nullable(columns).expect("a batch");
    let path = with_table(dir.path(), member, &packed(&batch, WriterProperties::builder()));
    let error = Bundle::open(&path).expect("a bundle").prove().expect_err("no gap is like that").to_string();
    assert!(error.contains("its gap table is not one of ours"), "{error}");
}

#[test]
fn a_manifest_that_is_not_the_one_in_the_sums_is_refused_by_who_asks_for_it_alone() {
    let dir = tempfile::tempdir().expect("a directory");
    let path = signed(dir.path());
    assert!(Bundle::open_stated(&path).is_ok());
    let changed = with_member(&path, MANIFEST, |text| {
        let at = places(text, b"web")[0];
        text[at] = b'x';
    });
    assert!(Bundle::open(&changed).is_ok(), "to say what is wrong with it");
    let error = Bundle::open_stated(&changed).expect_err("another").to_string();
    assert!(
        error.contains("changed.evidence.zip") && error.contains("manifest.json is not what SHA256SUMS says"),
        "{error}"
    );
}

#[test]
fn a_column_longer_than_its_table_is_refused_by_everybody_who_reads_rows() {
    let dir = tempfile::tempdir().expect("a directory");
    let bundle = Bundle::open(&fixture::write_incident(dir.path())).expect("a bundle");
    for member in ["events/process.parquet", "events/file.parquet"] {
        let truth = bytes(&bundle, member);
        let same = Bundle::open(&with_table(dir.path(), member, &with_more_bytes(&truth, 0))).expect("a bundle");
        assert!(Recall::of(&same).is_ok(), "nothing is wrong with a footer that was written anew");
        let lying = Bundle::open(&with_table(dir.path(), member, &with_more_bytes(&truth, 1 << 40))).expect("a bundle");
        let Err(error) = Recall::of(&lying) else { panic!("events of a liar") };
        let error = error.to_string();
        assert!(error.contains(&format!("{member} cannot be read as Parquet: ")), "{error}");
        assert!(error.contains("reaches beyond the end"), "{error}");
        assert!(lying.rows(member).is_err());
    }
}

#[test]
fn a_column_that_takes_in_the_footer_or_another_column_is_refused_by_everybody_who_reads_rows() {
    let dir = tempfile::tempdir().expect("a directory");
    let member = "events/process.parquet";
    let truth = bytes(&Bundle::open(&fixture::write_incident(dir.path())).expect("a bundle"), member);
    let end = |parquet: &[u8]| {
        let (data, end) = parquet.split_at(parquet.len() - 8);
        let footer_at = data.len() - u32::from_le_bytes(end[..4].try_into().expect("four")) as usize;
        let metadata = ParquetMetaDataReader::decode_metadata(&data[footer_at..]).expect("a footer");
        let (start, len) = metadata.row_group(0).column(0).byte_range();
        (start + len) as usize
    };
    let same = with_more_bytes(&truth, 0);
    let to_go = (same.len() - end(&same)) as i64;
    // The footer grows with the number that it states.
    let mut longer = (to_go - 8..to_go + 16).map(|more| with_more_bytes(&truth, more));
    let last = |parquet: &Vec<u8>| (parquet.len() - 7..=parquet.len()).contains(&end(parquet));
    let to_the_end = longer.find(last).expect("one of them ends there");
    for (lying, said) in
        [(to_the_end, "a column that reaches beyond the end"), (with_more_bytes(&truth, 1), "columns that overlap")]
    {
        let bundle = Bundle::open(&with_table(dir.path(), member, &lying)).expect("a bundle");
        let Err(error) = Recall::of(&bundle) else { panic!("events of a liar") };
        let place = Columns::of(bundle.path(), member, bundle.file(), bundle.members()[member]);
        for error in [error.to_string(), place.expect_err("no place").to_string()] {
            assert!(error.contains(member) && error.contains(said), "{error}");
        }
    }
}
