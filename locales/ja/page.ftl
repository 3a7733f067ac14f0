## What is on many pages: times, the footer, what a page says of itself

ago-now = たった今
ago-minutes = { $count }分前
ago-hours = { $count }時間前
ago-days = { $count }日前
left-minutes = { $count }分
left-hours = { $count }時間
left-days = { $count }日
moment-today = 今日{ $time }
moment-tomorrow = 明日{ $time }
day-today = 今日
day-yesterday = 昨日
day-monday = 月
day-tuesday = 火
day-wednesday = 水
day-thursday = 木
day-friday = 金
day-saturday = 土
day-sunday = 日
times-utc = 日付と時刻はUTCです。
footer-documentation = ドキュメント
footer-source = ソースコード
footer-status = 稼働状況
theme-label = 配色
theme-system = システム
theme-light = ライト
theme-dark = ダーク
meta-home = セルフホスト型のサインイン。すべての端末を把握し、すぐにサインアウトでき、サインアウトの理由も正確に伝えます。
meta-login = アカウントにサインインします。
meta-register = アカウントを作成します。

## The password meter

password-meter-hint = 関連のない単語をいくつか組み合わせると、強いパスワードになります。
password-meter-score-0 = とても弱い：すぐに推測されます
password-meter-score-1 = 弱い：簡単に推測されます
password-meter-score-2 = 普通：もう少し強くできます
password-meter-score-3 = 良い
password-meter-score-4 = 強い
