# Types each line and a tab into an interactive zsh that has read the completion script, and prints what is offered:
# "? LINE", then a word a line.
#   zsh -f complete.zsh SCRIPT LINE...
zmodload zsh/zpty
folder=$(mktemp -d)
cat > $folder/setup <<SETUP
PROMPT=
autoload -Uz compinit && compinit -u -D
source ${(q)1}
compadd() {
  local -a hits
  if (( ! \${argv[(I)-[OAD]]} )); then  # those only ask what would fit
    builtin compadd -O hits "\$@"
    print -rl -- \$hits >> $folder/offered
  fi
  builtin compadd "\$@"
}
tell-end() {
  : > $folder/end
  comppostfuncs=(tell-end)
}
comppostfuncs=(tell-end)
SETUP
zpty typed zsh -f -i
zpty -w typed "source $folder/setup"
for line in "${@:2}"; do
  : > $folder/offered
  zpty -w -n typed "$line"$'\t'
  for (( i = 0; i < 600; i++ )); do
    [[ -e $folder/end ]] && break
    zpty -r -t typed drained
    sleep 0.05
  done
  rm $folder/end || exit 1
  print -r -- "? $line"
  sort -u $folder/offered
  zpty -w -n typed $'\x15'
done
zpty -d typed
rm -r $folder
