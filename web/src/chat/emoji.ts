/** The emoji that people react with, by what they are called. Enough for work; any other can be typed in a message. */

export interface Emoji {
  char: string;
  /** The first is its name. */
  words: string;
}

const LIST = `
👍 thumbs up, yes, agree, ok, +1
👎 thumbs down, no, disagree, -1
✅ done, check mark, yes, passed, green
👀 looking, eyes, reviewing, on it
🎉 party, hooray, celebrate, shipped, congratulations
❤️ heart, love, thanks
🚀 rocket, ship, deploy, launch
😄 smile, happy, laugh
🙏 thank you, please, pray
💯 hundred, perfect, exactly
🔥 fire, hot, great
👏 clap, applause, well done
🙌 raised hands, hooray, praise
💪 strong, muscle, you can
🤝 handshake, deal, agreed
👋 wave, hello, bye, hi
👌 ok hand, perfect, fine
✌️ victory, peace, two
🤞 fingers crossed, hope, luck
🤙 call me, relaxed
👉 point right, this, next
👈 point left, back
👆 point up, above, this
👇 point down, below
☝️ index up, one, wait
✋ hand, stop, wait
🖐️ five, hand
🫡 salute, aye, understood
🫶 heart hands, love, thanks
✍️ writing, note, taking notes
😀 grin, happy, glad
😁 beaming, happy, proud
😅 sweat smile, phew, relief
😂 tears of joy, laugh, funny
🤣 rolling on the floor, laugh, hilarious
🙂 slight smile, fine
🙃 upside down, ironic, silly
😉 wink, joke
😊 blush, smile, glad
😍 heart eyes, love, beautiful
🤩 star struck, wow, amazing
😎 cool, sunglasses
🤓 nerd, glasses, clever
🧐 monocle, inspect, hmm
🤔 thinking, hmm, unsure
🤨 raised eyebrow, doubt, really
😐 neutral, meh
😑 expressionless, no comment
😬 grimace, awkward, oops
🙄 rolling eyes, seriously
😏 smirk
😌 relieved, calm
😴 sleeping, tired, zzz
🥱 yawn, bored, late
😵‍💫 dizzy, confused, spiral
🤯 mind blown, wow, exploding head
🥳 partying, birthday, celebrate
😮 open mouth, wow, surprised
😲 astonished, shock, wow
😳 flushed, oops, embarrassed
🥹 moved, holding back tears
😢 crying, sad
😭 sobbing, sad, loud
😤 steam, determined
😠 angry, cross
😡 rage, furious
🤬 swearing, symbols
😱 scream, fear, horror
😨 fearful, scared
😓 downcast, sweat, hard
😞 disappointed, sad
😔 pensive, sorry
🥺 pleading, please
🤗 hug, welcome
🤭 giggle, oops
🤫 quiet, secret, hush
🤐 zipped, secret
🤷 shrug, no idea, whatever
🤦 facepalm, oh no
🙅 no way, stop, not allowed
🙆 ok gesture, fine
🙋 raising hand, me, question
🙇 bow, sorry, thanks
💁 information, here you are
🧑‍💻 developer, coding, technologist
🤖 robot, agent, bot, ai
👻 ghost, boo
💀 skull, dead
👽 alien, strange
🐛 bug, insect, defect
🦋 butterfly, fixed, change
🐞 ladybird, bug
🐢 turtle, slow
🐇 rabbit, fast
🦄 unicorn, magic, rare
🐙 octopus, cat
🦆 duck, rubber duck, debug
🐍 snake, python
🦀 crab, rust
🐳 whale, docker, container
🐘 elephant, postgres, memory
🐧 penguin, linux
🦖 dinosaur, legacy, old
🌱 seedling, new, grow
🌈 rainbow, nice
☀️ sun, good morning
🌙 moon, night
⭐ star, favourite
✨ sparkles, new, magic, clean
⚡ lightning, fast, performance
❄️ snow, freeze, cold
🌊 wave, sea
☕ coffee, break
🍵 tea, break
🍕 pizza, lunch
🍪 cookie, treat
🎂 cake, birthday
🍻 beers, cheers
🍿 popcorn, watching
🥇 gold medal, first, best
🏆 trophy, win
🎯 target, exactly, goal
🎲 dice, random, flaky
🎁 gift, present
🎈 balloon, birthday
🪄 wand, magic
🔔 bell, notify, reminder
📣 megaphone, announce
📌 pin, important, keep
📎 paperclip, attachment
🔗 link, chain
🔒 locked, private, secure
🔓 unlocked, open
🔑 key, secret, access
🔍 search, looking, find
💡 idea, light bulb
🔧 wrench, fix, repair
🔨 hammer, build
🛠️ tools, work in progress
⚙️ gear, settings, config
🧪 test tube, test, experiment
🧹 broom, clean up, refactor
🧯 extinguisher, incident, fire
🚧 construction, work in progress, wip
🚨 alarm, incident, urgent
🚫 prohibited, no, blocked
🛑 stop, halt
⛔ no entry, blocked
⚠️ warning, careful
❌ cross, no, failed, wrong
❓ question, what
❗ exclamation, important
➕ plus, add, +1
♻️ recycle, refactor, reuse
⏳ hourglass, waiting, pending
⏰ alarm clock, time, late
⏪ rewind, revert, roll back
🔄 refresh, retry, again
📈 chart up, growth, better
📉 chart down, worse
📝 memo, note, docs
📚 books, docs, read
📦 package, release
🗑️ bin, delete, remove
💾 disk, save, store
💻 laptop, computer
🖥️ desktop, screen
🐌 snail, slow
🟢 green circle, ok, up
🟡 yellow circle, careful
🔴 red circle, down, recording
🆗 ok
🆕 new
🏁 finish, done, flag
🚩 red flag, problem
`;

export const EMOJI: readonly Emoji[] = LIST.trim()
  .split("\n")
  .map((line) => {
    const at = line.indexOf(" ");
    return { char: line.slice(0, at), words: line.slice(at + 1) };
  });

const names = new Map(EMOJI.map((emoji) => [emoji.char, emoji.words.split(", ")[0] ?? ""]));

/** One click away, in the toolbar of each message. */
export const QUICK = ["👍", "✅", "👀"] as const;

/** What it is called; `:names:` as they come from Slack are their own. */
export function emojiName(char: string): string {
  return names.get(char) ?? char.replaceAll(":", "").replaceAll("_", " ");
}

/** Those whose words begin with every word that was asked for; the ones that are called so come first. */
export function findEmoji(query: string): readonly Emoji[] {
  const wanted = query.toLocaleLowerCase().split(/\s+/).filter(Boolean);
  if (wanted.length === 0) return EMOJI;
  const hits = EMOJI.filter(({ char, words }) => {
    const parts = words.split(/[\s,]+/);
    return wanted.every((word) => char === word || parts.some((part) => part.startsWith(word)));
  });
  return hits.toSorted((a, b) => Number(b.words.startsWith(wanted[0] ?? "")) - Number(a.words.startsWith(wanted[0] ?? "")));
}
