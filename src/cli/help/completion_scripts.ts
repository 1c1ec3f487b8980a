/** Completion scripts of the shells. Each calls `dxt completions --words` for the possible words. */

const BASH = String.raw`# dxt completions bash; load it with: source <(dxt completions bash)
_dxt() {
  local typed="\${COMP_LINE:0:COMP_POINT}" fragment="\${COMP_WORDS[COMP_CWORD]}"
  local current word about
  local -a words
  read -ra words <<< "$typed"
  [[ "$typed" == *[[:space:]] ]] && words+=("")
  current="\${words[\${#words[@]}-1]}"
  # Readline replaces what follows the last of its word breaks only.
  [[ "$fragment" == [:=] ]] && fragment=""
  local before="\${current%"$fragment"}"
  COMPREPLY=()
  while IFS=$'\t' read -r word about; do
    if [[ "$word" == ":files" ]]; then
      compopt -o filenames 2>/dev/null
      while IFS= read -r word; do COMPREPLY+=("$word"); done < <(compgen -f -- "$fragment")
    else
      COMPREPLY+=("\${word#"$before"}")
    fi
  done < <("\${words[0]}" completions --words "\${words[@]:1}" 2>/dev/null)
  [[ \${#COMPREPLY[@]} -eq 1 && "\${COMPREPLY[0]}" == *[=,] ]] && compopt -o nospace 2>/dev/null
  return 0
}
complete -F _dxt dxt
`;

const ZSH = String.raw`#compdef dxt
# dxt completions zsh; load it with: source <(dxt completions zsh)
_dxt() {
  local line value
  local -a found
  for line in "\${(@f)$("\${words[1]}" completions --words "\${(@)words[2,CURRENT]}" 2>/dev/null)}"; do
    [[ -z "$line" ]] && continue
    if [[ "$line" == ":files" ]]; then
      _files
      continue
    fi
    value="\${line%%$'\t'*}"
    found+=("\${value//:/\\:}:\${line#*$'\t'}")
  done
  (( \${#found} )) && _describe -V dxt found
  return 0
}
if [[ "\${funcstack[1]}" == "_dxt" ]]; then _dxt "$@"; else compdef _dxt dxt; fi
`;

const FISH = String.raw`# dxt completions fish; load it with: dxt completions fish | source
function __dxt_words
    set -l words (commandline -opc) (commandline -ct)
    for line in ($words[1] completions --words $words[2..-1] 2>/dev/null)
        if test "$line" = ":files"
            __fish_complete_path (commandline -ct)
        else
            echo $line
        end
    end
end
complete -c dxt -f -a '(__dxt_words)'
`;

const POWERSHELL = String.raw`# dxt completions powershell | Out-String | Invoke-Expression
Register-ArgumentCompleter -Native -CommandName dxt -ScriptBlock {
    param($wordToComplete, $commandAst, $cursorPosition)
    $words = @($commandAst.CommandElements | ForEach-Object { $_.ToString() })
    $before = @($words | Select-Object -Skip 1)
    if ($wordToComplete -eq '') { $before += '""' }
    & $words[0] completions --words @before 2>$null | ForEach-Object {
        if ($_ -eq ':files') {
            Get-ChildItem -Path "$wordToComplete*" | ForEach-Object {
                [System.Management.Automation.CompletionResult]::new($_.Name)
            }
        } else {
            $value, $about = $_ -split "\t", 2
            if (-not $about) { $about = $value }
            [System.Management.Automation.CompletionResult]::new($value, $value, 'ParameterValue', $about)
        }
    }
}
`;

/** Removes the backslash that a raw template needs between a dollar sign and a brace. */
const unescape = (script: string) => script.replaceAll("\\${", "${");

export const SHELLS = ["bash", "zsh", "fish", "powershell"] as const;
export type Shell = (typeof SHELLS)[number];

export const SCRIPTS: Readonly<Record<Shell, string>> = {
  bash: unescape(BASH),
  zsh: unescape(ZSH),
  fish: unescape(FISH),
  powershell: unescape(POWERSHELL),
};
