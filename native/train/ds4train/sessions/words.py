"""Word pools that names, values and prose are made of.

Nothing here is meant to be learned by heart: the pools exist so that the same sentence frames carry ever
new material, and `names.py` adds invented words on top. A tenth of every pool (by checksum) is kept for
the held-out split.
"""

from __future__ import annotations

import zlib

_NOUNS = """
account action adapter address agent alarm album alert alias anchor angle answer apple archive area array
arrow article asset atlas atom audio author axis badge bag balance ball banana band bank banner bar base
basket batch beacon beam bean bear bell bench bike bill bird block blog board boat body bolt bond bone book
boot border bottle bottom bowl box branch brand bread break brick bridge broker brush bucket budget buffer
bug builder bundle burst bus button cabin cable cache cake calendar call camera camp candle canvas cap car
card cargo carrot cart case castle cat catalog cell center chain chair chalk channel chapter charge chart
chat check cherry chest chunk circle city claim class clause client clip clock cloud club cluster coach
coast coat code coin color column comet command comment commit compass concept config connection contact
context contract control cookie copper coral corner cost counter country course cover crane crate credit
crop cross crown crystal cup curve cursor customer cycle daemon dance dash data database dawn day deal deck
deer default delay delta demo depth desert design desk device diagram dialog dice digest dinner direction
discount dish disk display distance dock doctor document dog dollar domain door dot dove draft dragon drawer
dream drive driver drop drum duck dump dust duration eagle earth echo edge editor effect egg element
elephant email ember energy engine entry epoch error event example export factor falcon family fan farm
fault feather feature feed fence ferry fever field figure file filter finger fire fish flag flame flash
fleet flight floor flow flower fog folder font food forest fork form format fox fraction frame friend frog
front fruit fuel function gallery game garden gas gate gateway gear gem ghost giraffe glass globe glove goal
goat gold goose grade grain graph grass gravity grid group guard guest guide guitar habit hammer hand handle
handler harbor hat hawk head header heart heat heap height helmet hero hill hint history hive hook horizon
horse host hotel hour house hub human hunter ice icon idea image import inbox index info ink input insect
interval invoice iron island issue item jacket jar job joke journal journey judge juice jungle kernel kettle
key kit kitchen kite knife knot label ladder lake lamp language lantern laptop laser latency layer layout
leader leaf league ledger legend lemon length lens letter level lever library license light limit line link
lion list listener loader lock log logger loop lunch machine magnet mail manager mango manual map maple
marble margin mark marker market mask master match matrix meadow medal media member memory menu merchant
mesh message metal meteor meter method metric migration mile milk mill mind mine minute mirror mission mist
mixer mode model module moment money monitor monkey moon morning motor mountain mouse movie mug muscle
museum music name needle nest net network night node noise noon north note notice novel number nurse oak
oasis object ocean offer office offset oil olive onion option orange orbit orchard order organ origin otter
output oven owl owner package page paint pair palace palm panda panel paper parcel parent park parrot parser
part partner party patch path pattern payment peach peak pear pearl pebble pen pencil pepper period permit
person phone photo piano picture pigeon pilot pine pipe pipeline pixel pizza plan planet plant plate player
plaza plot plugin plum pocket poem point policy pool port portal position post potato powder power prefix
preview price printer prism prize probe process product profile program project prompt proxy pulse pump
puzzle pyramid quality quarter query quest queue quiz quota rabbit race rack radar radio rain ramp range
rank rate ratio raven ray reader reason receipt recipe record reef region registry relay release remote
render reply report request reserve resource response result retry review reward rhythm ribbon rice ride
ring river road robin robot rock rocket role roof room root rope rose rotation round route router row ruby
rule runner sail salad sale salmon salt sample sand satellite scale scanner scene schedule schema school
score screen script sea seal search season seat secret section seed segment sender sensor sequence series
server service session setting shadow shape shard shark sheep sheet shelf shell shield ship shirt shoe shop
shore shoulder signal silver singer site size sketch skill sky slice slot smoke snack snail snake snow soap
socket soil solution song sound soup source space spark sparrow speaker spec speed spider spine spiral
splash spoon sport spot spring sprite square squirrel stack stadium staff stage stair stamp star start state
station status steam steel stem step stick stock stone storage store storm story strategy stream street
string studio style subject suffix sugar suit sum summer sun surface swan switch symbol system table tag
tail tank target task tax tea team tempo tenant tent term test text theme thread threshold throat ticket
tiger tile timber time timeout timer title toast token tomato tone tool topic torch total touch tower town
toy trace track trade trail train transfer tree trend trial tribe trigger trip truck trumpet trunk tube
tulip tunnel turbine turtle tutor type umbrella unit update upload user valley value valve variable vault
vector vehicle velvet vendor version vessel video view village violin vision visit voice volcano volume vote
voyage wagon wall walnut walrus warehouse watch water wave wax weather web week weight whale wheat wheel
whistle widget width wind window wine wing winner winter wire wolf wood word work worker world yard year
zebra zone
"""

_ADJECTIVES = """
active amber ancient async automatic backup big bitter blank blue bold brave brief bright broken brown busy
calm careful cheap clean clear clever cold common cool crisp current custom daily dark debug deep default
dense direct double dry dry-run early easy eager empty enabled even exact external extra fair faint fast
final fine first flat free fresh full gentle global golden good grand gray great green happy hard heavy
hidden high hollow honest hot huge idle inner internal keen kind large last late lazy left legacy light
linear little local lonely long loud lucky main major manual max mean mellow merry mild min minor misty
mobile modern narrow neat new next nice noisy old odd open outer pale parallel partial patient pending plain
polite prime primary private proud public pure purple quick quiet random rapid rare raw ready recent red
remote rich right rough round rusty safe scarlet second secure secondary serial shared sharp short shy
silent simple single slim slow small smart smooth soft solid sour spare stable stale static steady still
strict strong sunny sweet swift tall target temp tender test thick thin third tidy tight tiny total tough
true upper upstream urgent user valid vast verbose violet vivid warm weak weekly white whole wide wild wise
worn yellow young
"""

_VERBS = """
add adjust align apply append assign attach balance bind boost build cache calculate call capture change
charge check clean clear clip close collect combine compare compile compress compute connect convert copy
count crawl create cut decode delete deliver deploy describe detect drain draw drop emit encode expand
export extract fetch fill filter find fix flatten flip flush fold format gather generate get grow guess
handle hash import increase index init insert inspect join jump keep launch limit link list listen load
locate lock log lookup make map mark match measure merge mix move multiply normalize notify open order pack
parse pause pick ping plan play poll post prepare print probe process publish pull push read rebuild receive
record reduce refresh register release reload remove render repeat reply report reset resize resolve restart
restore retry reverse rotate round route run sample save scale scan schedule score search select send serve
set shift show shuffle sign skip slice sort split stack start stop store stream strip submit sum swap sync
tag tally test throttle toggle touch trace track transform trim turn update upload validate verify visit
wait walk warm watch wrap write zip
"""

_PEOPLE = """
Ada Alan Alice Amara Amir Ana Anders Anya Arjun Astrid Ben Bianca Boris Bruno Carla Carmen Chen Chloe Clara
Dana Daniel Dario David Dev Diego Dina Elena Eli Elif Emil Emma Erik Esther Eva Fatima Felix Fiona Frank
Freya Gina Grace Greta Hana Hugo Ida Igor Imani Ines Ivan Ivy Jack Jana Jin Joel Jonas Josef Julia Kai Karim
Kenji Kofi Lars Laura Leah Lena Leo Li Liam Lina Luca Lucia Maja Marco Maria Marta Max Mei Mia Mila Mina
Mona Nadia Nina Noah Nora Olga Omar Oscar Otto Paul Petra Pia Priya Quinn Rafael Ravi Rita Rosa Ruth Sam
Sara Sofia Sven Tara Theo Tom Uma Vera Viktor Wanda Wei Yara Yusuf Zoe
"""

_PLACES = """
Accra Amsterdam Athens Bergen Berlin Bogota Boston Bremen Cairo Chicago Cork Dakar Delhi Denver Dublin Genoa
Geneva Ghent Hanoi Havana Helsinki Istanbul Jakarta Kyoto Lagos Leeds Lima Lisbon London Lyon Madrid Malmo
Manila Miami Milan Montreal Mumbai Munich Nairobi Naples Oslo Osaka Paris Perth Porto Prague Quito Riga Rome
Salem Seoul Seville Sofia Sydney Tallinn Tampa Tokyo Toronto Turin Utrecht Vienna Vilnius Warsaw York Zagreb
Zurich
"""

# What such names usually are: a part of all settings, functions and modules is called so.
_KEYS = """
max_retries timeout port host debug log_level version name title workers batch_size learning_rate
buffer_size cache_ttl base_url db_name user retries threads interval theme language region currency
page_size rate_limit max_connections output_dir seed epochs greeting color width height tax_rate discount
limit threshold enabled verbose mode author license description max_items min_length retry_delay queue_size
pool_size app_name default_user admin_email server_name database_url secret max_size chunk_size
poll_interval backoff locale timezone font_size margin padding speed max_speed gravity lives level score
price quantity stock unit capacity temperature ratio scale factor offset delay keep_alive max_age log_file
data_dir cache_dir prefix suffix separator encoding protocol bind_address endpoint token_ttl session_timeout
max_users allowed_hosts api_version
database_host database_port db_host db_port db_password smtp_host smtp_port smtp_user from_address reply_to
max_tokens temperature top_p model num_layers hidden_size dropout weight_decay momentum warmup_steps num_workers
image_size train_split test_size random_state n_estimators max_depth min_samples k_folds checkpoint_dir
window_width window_height fps jump_height player_speed enemy_count start_lives max_health starting_gold
difficulty volume music_volume sound_enabled fullscreen title_font background_color accent_color primary_color
border_radius line_height max_file_size upload_dir static_dir template_dir media_root cache_timeout
request_timeout connect_timeout read_timeout max_redirects user_agent proxy verify_ssl cert_file key_file
access_key region_name bucket_name queue_name topic_name consumer_group batch_timeout flush_interval
backup_dir backup_count retention_days cleanup_interval cron_schedule start_time end_time due_date
max_attempts lockout_minutes password_length cookie_name csrf_enabled jwt_secret token_expiry issuer audience
site_name site_url contact_email support_email phone address city country postal_code currency_symbol
tax_percent shipping_fee free_shipping_over min_order max_quantity reorder_level low_stock warehouse
servings prep_time cook_time oven_temperature calories ingredients_count column_count row_height
date_format time_format number_format decimal_places default_language fallback_locale week_start
items_per_page results_limit sort_order sort_by search_depth min_score max_results cache_size
memory_limit cpu_limit replicas min_replicas max_replicas health_check_path container_port node_env
python_version node_version go_version base_image tag release_name environment namespace cluster
"""
_FUNCTIONS = """
add subtract multiply divide greet total average area volume load_config parse_line read_file write_file
send_message get_user fetch_data save_item calculate_total compute_sum find_max is_valid to_upper
format_name make_title count_words apply_discount get_price process_order build_url load_settings connect
close_connection start_server stop_server handle_request validate_email reverse_text convert_units
get_version run_job update_stock check_status clean_text merge_lists filter_items calc_tax print_report
create_user delete_user render_page hash_password shipping_cost
"""
_MODULES = """
calc utils helpers app server client greeter inventory shop cart orders billing users auth store prices
math_utils text_utils string_tools config_loader geometry shapes counter report models views tasks jobs
worker messages mailer weather temperature converter bank account stats tools common core api
library books movies music playlist recipes kitchen garden budget expenses invoices payments checkout discount
shipping delivery tracker timer clock calendar schedule events booking hotel flights tickets students grades
school quiz exam survey votes poll scores league game player enemy board dice cards maze robot parser lexer
tokenizer formatter validator sorter search index crawler scraper downloader uploader backup sync archive
network client_api session tokens password crypto slug csv_tools json_tools date_utils file_utils
"""


def _held(word: str) -> bool:
    return zlib.crc32(word.encode()) % 10 == 3


def _pool(text: str, split: str) -> tuple[str, ...]:
    return tuple(w for w in dict.fromkeys(text.split()) if _held(w) == (split == "heldout"))


NOUNS = {s: _pool(_NOUNS, s) for s in ("train", "heldout")}
ADJECTIVES = {s: tuple(w for w in _pool(_ADJECTIVES, s) if "-" not in w) for s in ("train", "heldout")}
VERBS = {s: _pool(_VERBS, s) for s in ("train", "heldout")}
PEOPLE = {s: _pool(_PEOPLE, s) for s in ("train", "heldout")}
PLACES = {s: _pool(_PLACES, s) for s in ("train", "heldout")}
KEYS = {split: _pool(_KEYS, split) for split in ("train", "heldout")}
FUNCTIONS = {split: _pool(_FUNCTIONS, split) for split in ("train", "heldout")}
MODULES = {split: _pool(_MODULES, split) for split in ("train", "heldout")}
