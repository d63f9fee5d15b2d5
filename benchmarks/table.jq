# The figures of several benchmarks (their JSON, slurped) as one table.
def grouped: tostring | gsub("(?<=[0-9])(?=([0-9]{3})+$)"; ",");
def number:
  if . == null then "–"
  elif . >= 1000 then round | grouped
  elif . >= 10 then . * 10 | round / 10 | tostring
  else . * 1000 | round / 1000 | tostring
  end;
def left($width): . + (" " * ($width - length) // "");
def right($width): (" " * ($width - length) // "") + .;

[["figure", "measured", "to reach", "limit (disk, one core)", "unit"]]
+ [.[] | (.figures? // [])[] | [.figure, (.measured | number), (.to_reach | number), (.limit | number), .unit]]
| . as $rows
| [range(5) | . as $column | [$rows[][$column] | length] | max] as $widths
| $rows[]
| [(.[0] | left($widths[0])), (.[1] | right($widths[1])), (.[2] | right($widths[2])),
   (.[3] | right($widths[3])), .[4]]
| join("  ")
