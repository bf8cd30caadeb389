"""The emoji whose `:names:` the page knows: the everyday ones, and those of operations."""

from __future__ import annotations

_NAMES = """
😀 grinning 😃 smiley 😄 smile 😁 grin 😆 laughing 😅 sweat_smile 😂 joy 🤣 rofl
🙂 slightly_smiling_face 🙃 upside_down_face 😉 wink 😊 blush 😇 innocent 😍 heart_eyes
😘 kissing_heart 😋 yum 😛 stuck_out_tongue 🤔 thinking_face 🤨 face_with_raised_eyebrow
😐 neutral_face 😑 expressionless 😶 no_mouth 😏 smirk 🙄 face_with_rolling_eyes 😬 grimacing
😌 relieved 😔 pensive 😴 sleeping 😷 mask 🤒 face_with_thermometer 🥳 partying_face 😎 sunglasses
🤓 nerd_face 😕 confused 😟 worried 🙁 slightly_frowning_face 😮 open_mouth 😲 astonished
😳 flushed 🥺 pleading_face 😨 fearful 😰 cold_sweat 😢 cry 😭 sob 😱 scream 😩 weary 😤 triumph
😡 rage 😠 angry 💀 skull 💩 poop 🤖 robot_face 👻 ghost 👽 alien 🎃 jack_o_lantern 👋 wave
👌 ok_hand ✌️ v 🤞 crossed_fingers 👈 point_left
👉 point_right 👆 point_up_2 👇 point_down ☝️ point_up 👍 +1
👎 -1 ✊ fist 👏 clap 🙌 raised_hands 🤝 handshake 🙏 pray ✍️ writing_hand 💪 muscle 👀 eyes 🧠 brain
🙋 raising_hand 🤷 shrug 🤦 face_palm 👤 bust_in_silhouette 👥 busts_in_silhouette
👷 construction_worker ❤️ heart 🧡 orange_heart 💛 yellow_heart 💚 green_heart 💙 blue_heart
💜 purple_heart 🖤 black_heart 💔 broken_heart 💯 100 💥 boom 💫 dizzy 💤 zzz 💬 speech_balloon
💭 thought_balloon 🕳️ hole ✅ white_check_mark ☑️ ballot_box_with_check ✔️ heavy_check_mark
❌ x ❎ negative_squared_cross_mark ➕ heavy_plus_sign ➖ heavy_minus_sign ❓ question
❔ grey_question ❗ exclamation ❕ grey_exclamation ⚠️ warning 🚫 no_entry_sign ⛔ no_entry
🛑 octagonal_sign 🚧 construction ♻️ recycle 🆗 ok 🆕 new 🆘 sos 🔴 red_circle
🟠 large_orange_circle 🟡 large_yellow_circle 🟢 large_green_circle 🔵 large_blue_circle
🟣 large_purple_circle 🟤 large_brown_circle ⚫ black_circle ⚪ white_circle 🔘 radio_button
🟥 large_red_square 🟧 large_orange_square 🟨 large_yellow_square 🟩 large_green_square
🟦 large_blue_square ⬛ black_large_square ⬜ white_large_square 🔶 large_orange_diamond
🔷 large_blue_diamond ▶️ arrow_forward ⏸️ double_vertical_bar ⏹️ black_square_for_stop
⏺️ black_circle_for_record ⏭️ black_right_pointing_double_triangle_with_vertical_bar
⏩ fast_forward ⏪ rewind 🔀 twisted_rightwards_arrows 🔁 repeat 🔄 arrows_counterclockwise
🔃 arrows_clockwise ↩️ leftwards_arrow_with_hook ↪️ arrow_right_hook ⬆️ arrow_up
⬇️ arrow_down ⬅️ arrow_left ➡️ arrow_right ↗️ arrow_upper_right ↘️ arrow_lower_right 🔝 top
📈 chart_with_upwards_trend 📉 chart_with_downwards_trend 📊 bar_chart 📋 clipboard 📌 pushpin
📍 round_pushpin 📎 paperclip 📝 memo ✏️ pencil2 📄 page_facing_up 📃 page_with_curl
📁 file_folder 📂 open_file_folder 🗂️ card_index_dividers 📅 date 📆 calendar
🗓️ spiral_calendar_pad 🗑️ wastebasket 🗄️ file_cabinet 📦 package 📫 mailbox 📧 e-mail ✉️ email
📨 incoming_envelope 📣 mega 📢 loudspeaker 🔔 bell 🔕 no_bell 📞 telephone_receiver ☎️ phone
📟 pager 📱 iphone 💻 computer 🖥️ desktop_computer ⌨️ keyboard 🖨️ printer 💾 floppy_disk 💿 cd
🔌 electric_plug 🔋 battery 🔒 lock 🔓 unlock 🔐 closed_lock_with_key 🔑 key 🗝️ old_key 🛡️ shield
🔗 link 🧷 safety_pin 🧹 broom 🧯 fire_extinguisher 🔧 wrench 🔨 hammer 🛠️ hammer_and_wrench
⚙️ gear 🧰 toolbox 🔩 nut_and_bolt 🪛 screwdriver 🧪 test_tube 🔬 microscope 🔍 mag 🔎 mag_right
💡 bulb 🔦 flashlight 🔥 fire 💧 droplet 🌊 ocean ⚡ zap ❄️ snowflake ☀️ sunny ☁️ cloud
🌧️ rain_cloud 🌍 earth_africa 🌎 earth_americas 🌐 globe_with_meridians 🌙 crescent_moon ⭐ star
🌟 star2 ✨ sparkles 🎉 tada 🎊 confetti_ball 🎯 dart 🏁 checkered_flag 🚩 triangular_flag_on_post
🏆 trophy 🥇 first_place_medal 🎁 gift 🎂 birthday 🍾 champagne ☕ coffee 🍺 beer 🍕 pizza 🍰 cake
🍎 apple 🌱 seedling 🌳 deciduous_tree 🐛 bug 🐍 snake 🐘 elephant 🐳 whale 🐢 turtle 🐧 penguin
🐈 cat2 🐕 dog2 🦄 unicorn_face 🚀 rocket ✈️ airplane 🚑 ambulance 🚒 fire_engine 🚨 rotating_light
🚦 vertical_traffic_light 🚢 ship ⚓ anchor 🏠 house 🏢 office 🏥 hospital
🏗️ building_construction ⛑️ helmet_with_white_cross ⏰ alarm_clock ⏱️ stopwatch
⏲️ timer_clock ⏳ hourglass_flowing_sand ⌛ hourglass ⌚ watch 🕐 clock1 🕒 clock3 🕘 clock9
💰 moneybag 💳 credit_card 💶 euro 💵 dollar 🧾 receipt 🎫 ticket 🏷️ label 🔖 bookmark 📚 books
📖 book 📰 newspaper ℹ️ information_source 🔢 1234 🅰️ a 🅱️ b ©️ copyright ®️ registered ™️ tm
#️⃣ hash 0️⃣ zero 1️⃣ one 2️⃣ two 3️⃣ three 4️⃣ four 5️⃣ five 6️⃣ six 7️⃣ seven 8️⃣ eight
9️⃣ nine 🔟 keycap_ten
"""
_ALIASES = {
    "thumbsup": "+1",
    "thumbsdown": "-1",
    "thinking": "thinking_face",
    "collision": "boom",
    "hankey": "poop",
    "envelope": "email",
    "heavy_exclamation_mark": "exclamation",
    "large_red_circle": "red_circle",
    "simple_smile": "slightly_smiling_face",
    "pause_button": "double_vertical_bar",
}


def _table() -> dict[str, str]:
    words = _NAMES.split()
    table = dict(zip(words[1::2], words[::2], strict=True))
    return table | {alias: table[name] for alias, name in _ALIASES.items()}


EMOJI = _table()
"""Emoji by their Slack names, without the colons."""
