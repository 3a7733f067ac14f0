## ページの文言（日本語）。キーとその順序は英語の `main.ftl` と同じ。用語：サインイン、サインアウト、端末、セッション、連携。

brand = Sekisho
skip = 本文へ移動
nav-label = アカウント
nav-account = アカウント
nav-devices = 端末
nav-security = セキュリティ
nav-news = 新しいお知らせがあります
nav-admin = 管理
nav-sign-in = サインイン
nav-register = アカウントを作成
nav-sign-out = サインアウト
language-label = 言語

## Landing

home-title = いつでも確認でき、止められるサインイン
home-lead = Sekishoはサインインを受け持ち、だれがどの端末でサインインしているかを常に把握します。ページではセッションを使うため、一覧で確認し、数を制限し、すぐに終了させることができます。APIでは有効期間の短いトークンを使います。照会せずに検証でき、こちらもすぐに無効にできます。
home-sessions-title = すべての端末をひと目で
home-sessions-text = ブラウザーもアプリもコマンドラインも、同じ「端末」として扱います。どれか1つからサインアウトすると、そのCookieとトークンもまとめて無効になります。
home-tokens-title = どのサービスでも検証できるトークン
home-tokens-text = 署名付きで、有効期間は数分です。期限が切れる前に自動で更新されます。リフレッシュトークンは一度しか使えず、盗まれて使われた場合はセッションを終了します。
home-truth-title = サインアウトの理由を正直に
home-truth-text = 開いているすべての画面に、サインアウトの理由をすぐに表示します。入力中の内容も失われません。

## Signing in

login-title = サインイン
login-submit = サインイン
login-no-account = アカウントをお持ちでない方は
login-github = GitHubで続ける
or = または
email = メールアドレス
password = パスワード
show-password-label = パスワードを表示
register-title = アカウントを作成
register-submit = アカウントを作成
register-have-account = すでにアカウントをお持ちの方は
register-closed = ここでは新しいアカウントを作成できません。アカウントの作成は管理者にご依頼ください。
name = 名前
name-hint = ほかの人に表示される名前です（任意）。
password-hint = 8文字以上で入力してください。

## One device too many

device-limit-title = 端末数の上限に達しています
device-limit-text = 同時にサインインできる端末の数には上限があります。いずれかの端末からサインアウトすると、この端末でサインインできます。

## Step-up

step-up-title = ご本人の確認
step-up-text = サインインから時間がたっているため、重要な操作の前にご本人であることを確認します。パスワードを入力すると、そのまま実行されます。
step-up-text-password = GitHubでサインインしています。この操作にはパスワードが必要です。パスワードを入力すると、そのまま実行されます。
step-up-text-github = サインインから時間がたっているため、重要な操作の前にご本人であることを確認します。GitHubで確認してください。元のページに戻ったら、もう一度操作してください。
step-up-text-password-first = 管理者の操作には、GitHubだけでなくパスワードによる確認が必要ですが、このアカウントにはパスワードが設定されていません。サーバーの運用担当者が「sekisho user password --keep-links」で設定できます。
step-up-text-no-way = サインインから時間がたっているため、重要な操作の前にご本人であることを確認する必要があります。このアカウントのサインイン方法はGitHubだけで、このサイトでは現在GitHubを使えないため、確認できません。管理者にお問い合わせください。
step-up-asked-for = 実行する操作：{ $action }
step-up-end-device = 端末からのサインアウト
step-up-export = 記録の書き出し
step-up-remove-role = ロールの削除
step-up-submit = 確認
step-up-cancel = キャンセル

## Linking GitHub

confirm-link-title = ご本人のアカウントですか？
confirm-link-text = GitHubアカウント「{ $login }」と同じメールアドレスのアカウントがあります。連携するには、そのアカウントのパスワードを入力してください。
confirm-link-submit = 連携してサインイン

## Account

account-title = アカウント
account-profile = プロフィール
account-about = 自己紹介
account-about-hint = 2,000文字まで入力できます。
account-language = 言語
account-language-auto = ブラウザーの設定に合わせる
account-save = 変更を保存
account-saved = 変更を保存しました。
account-password = パスワード
account-password-text = パスワードを変更すると、ほかのすべての端末からサインアウトします。
account-password-change = パスワードを変更
account-password-set = パスワードを設定
account-github = GitHub
account-github-linked = 「{ $login }」と連携しています。
account-github-not-linked = 連携していません。連携すると、ワンクリックでサインインできます。
account-github-link = GitHubと連携
account-github-unlink = 連携を解除
account-github-only = サインインの方法がGitHubだけのため、連携を解除できません。先にパスワードを設定してください。
account-linked = GitHubと連携しました。
account-unlinked = GitHubとの連携を解除しました。
account-sign-in-title = サインイン方法

password-title = パスワードの変更
password-set-title = パスワードの設定
password-set-again = サインインから時間がたっています。パスワードを設定するには、もう一度GitHubでサインインしてください。サインインすると、このページに戻ります。
password-set-admin = GitHubだけではご本人であることを確認できないため、管理者の最初のパスワードはここでは設定できません。サーバーの運用担当者が「sekisho user password --keep-links」で設定できます。
password-current = 現在のパスワード
password-new = 新しいパスワード
password-change-submit = パスワードを変更
password-changed = パスワードを変更しました。ほかのすべての端末からサインアウトしました。
password-changed-unlinked = パスワードを変更し、GitHubとの連携を解除しました。ほかのすべての端末からサインアウトしました。
password-unlink = GitHubとの連携も解除する
password-unlink-hint = パスワードを他人に知られた可能性がある場合は、チェックを入れたままにしてください。その人が自分のGitHubアカウントを連携させているかもしれません。ご自分のGitHubアカウントは、あとで連携し直せます。
reset-remove-passkeys = 以前のGitHub連携とパスキーもすべて削除する
reset-remove-passkeys-hint = すべてがご自分のものか確かでない場合は、チェックを入れたままにしてください。ご自分のものは、あとで追加し直せます。

## Devices

devices-title = 端末
devices-lead = このアカウントにサインインしているすべての端末です。心当たりのない端末があれば、その端末からサインアウトし、パスワードを変更してください。
devices-this = この端末
devices-kind-browser = ブラウザー
devices-kind-api = API
devices-signed-in = サインイン日時
devices-last-active = 最後の操作
devices-ends = 有効期限
devices-address = IPアドレス
devices-end = サインアウト
devices-end-label = { $device }からサインアウト
devices-end-others = ほかのすべての端末からサインアウト
devices-done-one = 端末からサインアウトしました。
devices-done-others = ほかのすべての端末からサインアウトしました。
devices-only-this = ほかにサインインしている端末はありません。
devices-unknown = 不明な端末

## Security

security-title = セキュリティ
security-lead = アカウントに関する記録です。新しい順に表示しています。
security-notices = ご確認ください
security-notices-text = 心当たりのないものがあれば、パスワードを変更してください。ほかのすべての端末からサインアウトします。
security-notices-seen = はい、自分の操作です
security-notices-new-device = この端末はまだ新しいため、お知らせを確認済みにできません。1日以上お使いの端末から操作してください。
security-notices-own = この端末での操作に関するお知らせは、別の端末から、または次回のサインイン後に確認済みにできます。
security-what = 内容
security-when = 日時
security-where = IPアドレス
security-empty = 記録はまだありません。
event-registered = アカウントの作成
event-sign_in = サインイン
event-sign_in_failed = サインインの失敗
event-new_device = 新しい端末またはネットワークからのサインイン
event-step_up = 本人確認
event-step_up_failed = 本人確認の失敗
event-session_ended = セッションの終了
event-password_changed = パスワードの変更
event-github_linked = GitHubとの連携
event-github_unlinked = GitHubとの連携の解除
event-refresh_replayed = サインイン更新の再試行
event-refresh_reuse = 盗用の可能性：コピーされたサインイン情報の使用
event-account_disabled = アカウントの無効化
event-account_enabled = アカウントの有効化
event-roles_changed = ロールの変更
event-role_saved = ロールの保存
event-role_removed = ロールの削除
event-everybody_ended = 全員のサインアウト
event-log_exported = 記録の書き出し
event-log_tampered = 記録の改ざんを検出
event-log_trimmed = 古い記録の削除
event-key_rotated = 署名鍵の更新
event-key_withdrawn = 署名鍵の失効
event-secret_rotated = サーバーのシークレットの更新
reason-signed_out = サインアウト
reason-idle_timeout = 操作なし
reason-absolute_timeout = 有効期限切れ
reason-revoked_by_user = ほかの端末からの操作
reason-revoked_by_admin = 管理者の操作
reason-device_limit = 端末数の上限超過
reason-password_changed = パスワードの変更
reason-account_disabled = アカウントの無効化
reason-refresh_reuse = 盗用の可能性

## Administrator

admin-nav = 管理
admin-overview = 概要
admin-users = ユーザー
admin-sessions = セッション
admin-log = 記録
admin-roles = ロール
list-older = さらに前へ
list-newest = 最新へ
admin-user = ユーザー
admin-disabled = 無効
admin-created = 作成日時

admin-figure-users = アカウント
admin-figure-disabled = 無効なアカウント
admin-figure-browsers = ブラウザーのセッション
admin-figure-api = APIのセッション
admin-span = 表示する期間
admin-span-hours = 過去24時間
admin-span-days = 過去30日間
admin-span-utc = 時刻はUTCです。
admin-log-tampered = 監査ログが改ざんされています。検出の日時と内容は記録 { $seq } にあります。それより前の記録は信頼できません。
admin-plot-sign-ins = サインイン
admin-plot-failures = サインインの失敗
admin-plot-live = 有効なセッション
admin-plot-refreshes = トークンの更新
admin-plot-refresh-token-reuse = リフレッシュトークンの再使用
admin-plot-total = 合計 { $total }
admin-plot-peak = 最大 { $peak }
admin-plot-peak-at = { $when }に最大
admin-plot-numbers = 数値
admin-plot-time = 日時（UTC）
admin-plot-number = 件数

admin-search = メールアドレスまたは名前
admin-search-submit = 検索
admin-filter = 表示
admin-filter-all = すべて
admin-filter-admins = 管理者
admin-filter-role = ロール：{ $role }
admin-users-empty = 該当するユーザーはいません。
admin-you = あなた
admin-id = ID
admin-disabled-since = 無効化日時
admin-live = 有効なセッション
admin-live-empty = どこにもサインインしていません。
admin-log-latest = 最近の記録
admin-log-all = すべての記録
admin-roles-save = ロールを保存
admin-everything = すべて
admin-access = アクセス
admin-access-text = すべてのセッションを終了すると、このアカウントのトークンもすぐに無効になります。アカウントを無効にした場合もすべてのセッションを終了し、再び有効にするまでサインインできません。
admin-access-disabled = このアカウントは無効です。再び有効にするまでサインインできません。
admin-access-own = ご自身のアカウントです。端末からのサインアウトはこちらで行えます：
admin-sign-out = すべてのセッションを終了
admin-disable = アカウントを無効にする
admin-enable = アカウントを有効にする
admin-done-roles = ロールを保存しました。
admin-done-disabled = アカウントを無効にし、すべてのセッションを終了しました。
admin-done-enabled = アカウントを有効にしました。
admin-done-signed-out = このアカウントのすべてのセッションを終了しました。
admin-done-ended = セッションを終了しました。
admin-done-unlinked = このアカウントとGitHubの連携を解除しました。
admin-done-global-sign-out = 自分以外の全員をサインアウトさせました。
admin-done-role-saved = ロールを保存しました。
admin-done-role-removed = ロールを削除しました。

admin-sessions-lead = サインインしているすべての端末です。サインインの新しい順に表示しています。
admin-device = 端末
admin-this-session = このセッション
admin-global-sign-out = 全員
admin-global-sign-out-text = このセッションを除き、全アカウントのすべてのセッションを終了します。ご自身のほかの端末も含みます。Cookie、リフレッシュトークン、アクセストークンはすぐに使えなくなり、全員がもう一度サインインする必要があります。アカウント自体は変更されません。
admin-global-sign-out-sure = はい、全員をサインアウトさせます
admin-global-sign-out-submit = 全員をサインアウトさせる

admin-log-lead = すべてのアカウントに関する記録です。新しい順に表示しています。
admin-log-person = ユーザー（メールアドレスまたはID）
admin-log-any = すべて
admin-log-network = IPアドレスまたはネットワーク
admin-log-from = 開始（UTC）
admin-log-to = 終了（UTC）
admin-log-submit = 絞り込む
admin-log-clear = 条件をクリア
admin-log-nobody = このメールアドレスまたはIDのユーザーはいません。
admin-log-empty = 該当する記録はありません。
admin-log-by = 操作者：{ $person }
admin-log-details = 詳細
admin-log-time = 日時（UTC）
admin-log-session = セッション
admin-log-agent = User-Agent
admin-log-request = リクエスト
admin-log-number = 番号
admin-log-hash = ハッシュ
admin-export = この条件の記録を書き出す：

admin-roles-lead = ロールは、名前を付けた権限のまとまりです。変更は、発行済みのトークンの内容にかかわらず、すぐに反映されます。
admin-role = ロール
admin-permissions = 権限
admin-permissions-hint = スペースで区切って入力してください。例：orders:read orders:write。orders:*はそのすべてを表します。
admin-role-name-hint = 英小文字、数字、ハイフン（-）を使えます。既存のロールの名前を入力すると、その権限を変更します。
admin-role-user = 特別な権限なし（全員に付与）
admin-role-fixed = 組み込み
admin-role-acts = 変更または削除
admin-role-change = 変更
admin-role-change-label = { $role }を変更
admin-role-remove = 削除
admin-role-remove-label = { $role }を削除
admin-role-save-title = ロールの作成・変更
admin-role-save = ロールを保存

## Why somebody was signed out, on the sign-in page

end-reason-signed_out = サインアウトしました。
end-reason-idle_timeout = しばらく操作がなかったため、サインアウトしました。
end-reason-absolute_timeout = サインインの有効期限が切れたため、サインアウトしました。
end-reason-revoked_by_user = ほかの端末からの操作により、サインアウトしました。
end-reason-revoked_by_admin = 管理者の操作により、サインアウトしました。
end-reason-device_limit = 別の端末でのサインインにより端末数の上限を超えたため、サインアウトしました。
end-reason-password_changed = パスワードが変更されたため、サインアウトしました。
end-reason-account_disabled = アカウントが無効になっています。管理者にお問い合わせください。
end-reason-refresh_reuse = サインイン情報がコピーされて使われた可能性があります。安全のためサインアウトしました。パスワードを変更してください。

## Errors

error-title = うまくいきませんでした
error-home = トップページへ
error-back-to-sign-in = サインインページに戻る
error-invalid_input = 入力内容をご確認ください。
error-invalid_json = 本文が正しいJSONではありません。
error-invalid_credentials = メールアドレスまたはパスワードが正しくありません。
error-unauthenticated = アクセストークンが必要です。
error-not_signed_in = サインインしていません。
error-invalid_token = アクセストークンが正しくないか、有効期限が切れています。
error-invalid_refresh_token = リフレッシュトークンが正しくないか、無効になっています。もう一度サインインしてください。
error-session_revoked = このセッションは終了しています。もう一度サインインしてください。
error-account_disabled = このアカウントは無効になっています。管理者にお問い合わせください。
error-email_taken = このメールアドレスでは登録できません。ご自身のアドレスの場合は、サインインをお試しください。
error-registration_closed = ここでは新しいアカウントを作成できません。
error-device_limit = サインインできる端末数の上限に達しています。先にほかの端末からサインアウトしてください。
error-forbidden = この操作は許可されていません。
error-new_device = この端末はまだ新しいため、この操作はできません。1日以上お使いの端末から操作してください。
error-insufficient_scope = このアクセストークンでは、この操作を行えません。
error-last_admin = ほかに管理者がいません。先にほかのユーザーを管理者にしてください。
error-ceremony_gone = この手続きは、有効期限が切れたか、別のブラウザーで開始されています。もう一度はじめからお試しください。
error-step_up_required = ご本人であることを確認するため、もう一度パスワードを入力してください。
error-last_way_in = これが唯一のサインインの方法のため、削除できません。先にパスワードなど、別の方法を追加してください。
error-invalid_client = サービスの認証情報が正しくありません。
error-cross_origin = 別のサイトから送られたリクエストのため、受け付けませんでした。
error-not_found = お探しのページは見つかりませんでした。
error-method_not_allowed = ここではこの操作を行えません。
error-bad_request = HTTPリクエストの形式が正しくありません。
error-uri_too_long = リクエストのURLが長すぎます。
error-headers_too_large = リクエストのヘッダーが大きすぎます。このサイトのCookieを削除すると解決することがあります。
error-request_timeout = データの送信に時間がかかりすぎました。もう一度お試しください。
error-too_large = 送信された内容が大きすぎます。上限は64 kBです。
error-unsupported_media_type = Content-Typeにapplication/jsonを指定してください。
error-rate_limited = 試行回数が多すぎます。しばらく待ってからもう一度お試しください。
error-rate_limited-wait = 試行回数が多すぎます。{ $seconds }秒後にもう一度お試しください。
error-busy = ただいま混み合っています。しばらくしてからもう一度お試しください。
error-timeout = 時間がかかりすぎました。もう一度お試しください。
error-internal = サーバー側で問題が発生しました。もう一度お試しください。
error-github_state = GitHubでのサインインの有効期限が切れたか、別のブラウザーで開始されています。もう一度はじめからお試しください。
error-github_denied = GitHubでのサインインが許可されませんでした。
error-github_expired = GitHubからの応答が間に合いませんでした。もう一度はじめからお試しください。
error-github_refused = GitHubがサインインを受け付けませんでした。もう一度はじめからお試しください。
error-github_no_email = GitHubアカウントに、確認済みのプライマリメールアドレスがありません。GitHubでメールアドレスを確認してから、もう一度お試しください。
error-github_down = GitHubから正しい応答がありませんでした。しばらくしてからもう一度お試しください。
error-github_slow = GitHubの応答に時間がかかりすぎました。もう一度お試しください。
error-github_other = このアカウントと連携しているGitHubアカウントではありません。
error-github_taken = このGitHubアカウントは別のアカウントと連携しているか、お使いのアカウントが別のGitHubアカウントと連携しています。

field-unknown = 不明な項目です。
field-missing = この項目がありません。
field-duplicate = この項目が重複しています。
field-wrong-type = この項目の型が正しくありません。
field-email-invalid = name@example.comのような形式で、メールアドレスを1つ入力してください。
field-password-too-short = 8文字以上で入力してください。
field-password-too-long = 256文字以内で入力してください。
field-password-too-common = 推測されやすいパスワードです。関連のない単語をいくつか組み合わせてみてください。
field-password-wrong = 現在のパスワードと一致しません。
field-name-empty = 名前を入力してください。
field-name-too-long = 100文字以内で入力してください。
field-name-control = 文字、数字、記号を使い、改行せずに入力してください。
field-about-too-long = 2,000文字以内で入力してください。
field-about-control = 表示できない文字が含まれています。
field-locale-unknown = 一覧にある言語から選んでください。
field-device-invalid = 100文字以内で、改行せずに入力してください。
field-audience-unknown = このサービスは登録されていません。
field-scope-unknown = account:read、account、sessions、adminのうち必要なスコープを、半角スペース1つで区切って指定してください。
field-scope-exceeded = このセッションに許可された範囲を超えています。
field-limit-invalid = 1から100までの数を入力してください。
field-cursor-invalid = 以前の応答に含まれるcursorを指定してください。
field-kind-unknown = 一覧にある種類から選んでください。
field-time-invalid = 2026-11-21T06:00のような日時を入力してください。
field-network-invalid = IPアドレス、または/24（IPv6は/64）のネットワークを入力してください。
field-role-invalid = 英小文字で始め、英小文字、数字、ハイフンを合わせて32文字以内で入力してください。
field-role-built-in = ロールadminとuserは変更できません。
field-role-in-use = このロールを持つユーザーがまだいます。
field-role-unknown = 存在しないロールが含まれているか、ロールの数が多すぎます。
field-permission-invalid = orders:read、orders:*、*のような権限を32個以内で入力してください。
field-disabled-self = 自分のアカウントは無効にできません。
