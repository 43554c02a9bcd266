import { useEffect, useState } from "preact/hooks";
import type { Asset, Preview } from "./api";
import { counted, fileName } from "./format";
import { type Column, type TableRecord, typeName } from "./table";

/** A table: its first rows, and what is known of its columns. */
export function TableView({ asset, table }: { asset: Asset; table: TableRecord }) {
  const address = (name: string) => asset.renditions.find((each) => each.name === name)?.url;
  const parquet = address("table"), quarantine = address("quarantine"), preview = address("preview");
  return (
    <div class="table-view">
      <p class="actions">
        {parquet && (
          <a class="button primary" href={parquet} download>
            Download Parquet
          </a>
        )}
        <a class="button" href={asset.originalUrl} download>
          {`Download ${typeName(asset.mediaType)}`}
        </a>
      </p>
      <Notices table={table} quarantine={quarantine} />
      {preview && <FirstRows name={fileName(asset)} address={preview} rowCount={table.rowCount} columns={table.columns} />}
      <Columns table={table} />
    </div>
  );
}

/** What to know before the table is used. */
function Notices({ table, quarantine }: { table: TableRecord; quarantine: string | undefined }) {
  const shown = table.formulaColumns;
  return (
    <>
      {table.quarantined > 0 && (
        <p class="notice">
          <strong>{`${counted(table.quarantined, "row does", "rows do")} not fit`}</strong> and{" "}
          {table.quarantined === 1 ? "is" : "are"} not in the table.{" "}
          {quarantine && (
            <a href={quarantine} download>
              Line, column, value and reason of each
            </a>
          )}
        </p>
      )}
      {table.formulas > 0 && (
        <p class="notice">
          <strong>{`${counted(table.formulas, "cell starts", "cells start")} like a formula`}</strong>
          {shown.length === 1
            ? ` in the column ${shown[0]}. A spreadsheet may execute them: import it as text.`
            : ` in the columns ${shown.join(", ")}. A spreadsheet may execute them: import these as text.`}
        </p>
      )}
    </>
  );
}

interface RowsProps {
  name: string;
  address: string;
  rowCount: number;
  columns: Column[];
}

function FirstRows({ name, address, rowCount, columns }: RowsProps) {
  const [preview, setPreview] = useState<Preview | null>(null);
  const [error, setError] = useState<string | null>(null);
  useEffect(() => {
    fetch(address)
      .then((answer) => (answer.ok ? answer.json() : Promise.reject(new Error(String(answer.status)))))
      .then(setPreview, () => setError("The preview could not be loaded. Open the file again."));
  }, [address]);
  const isNumber = (index: number) => ["bigint", "double"].includes(columns[index]?.type ?? "");
  const rows = preview?.rows.length ?? 0;
  return (
    <section aria-labelledby="first-rows">
      <h3 id="first-rows">
        {!preview || rows < rowCount ? `The first ${rows || ""} rows` : counted(rows, "row", "rows")}
      </h3>
      {error && <p class="bad">{error}</p>}
      {preview && (
        <div class="scrolls rows" tabIndex={0} role="region" aria-label={`Rows of ${name}`}>
          <table>
            <thead>
              <tr>
                {preview.columns.map((column, index) => (
                  <th key={column} scope="col" class={isNumber(index) ? "number" : ""}>
                    {column}
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>
              {preview.rows.map((row, number) => (
                <tr key={number}>
                  {row.map((value, index) => (
                    <td key={index} class={isNumber(index) ? "number" : ""}>
                      <Cell value={value} />
                    </td>
                  ))}
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
    </section>
  );
}

function Cell({ value }: { value: unknown }) {
  return value === null ? <span class="none">null</span> : <>{String(value)}</>;
}

function Columns({ table }: { table: TableRecord }) {
  const hidden = table.columnCount - table.columns.length;
  return (
    <section aria-labelledby="columns">
      <h3 id="columns">{counted(table.columnCount, "column", "columns")}</h3>
      <div class="scrolls columns" tabIndex={0} role="region" aria-label="Columns">
        <table>
          <thead>
            <tr>
              <th scope="col">Name</th>
              <th scope="col">Type</th>
              <th scope="col" class="number">
                Nulls
              </th>
              <th scope="col" class="number">
                Distinct
              </th>
              <th scope="col">Range</th>
            </tr>
          </thead>
          <tbody>
            {table.columns.map((column) => (
              <tr key={column.name}>
                <th scope="row">{column.name}</th>
                <td>{column.type}</td>
                <td class="number">{column.nulls.toLocaleString()}</td>
                <td class="number">{`~${column.distinct.toLocaleString()}`}</td>
                <td>
                  {column.min !== undefined && `${text(column.min)} to ${text(column.max)}`}
                  {column.quantiles && <span class="fine">{`quartiles ${column.quantiles.map(text).join(", ")}`}</span>}
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      {hidden > 0 && <p class="fine">{`${counted(hidden, "more column is", "more columns are")} in profile.json.`}</p>}
    </section>
  );
}

function text(value: unknown): string {
  return typeof value === "number" ? value.toLocaleString(undefined, { maximumFractionDigits: 3 }) : String(value);
}
